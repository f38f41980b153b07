"""Receipts of many countries, written down as tills print them. All shops, people and numbers are invented."""

from __future__ import annotations

SLIPS: dict[str, str] = {}
SLIPS["german bakery"] = """
          BACKHAUS MÜHLENSIEP GmbH
             Lindenstraße 14
              48149 Münster
           Tel. 0251/5550143
        USt-IdNr. DE136695976

Kasse 2        Bon-Nr. 4711
12.03.2024            14:32 Uhr

                           EUR
Roggenbrot 750g           3,95 A
Brezel
  4 x   0,85              3,40 A
Kaffee groß               2,90 B
Tragetasche               0,20 B
-------------------------------
^SUMME       EUR  10,45
Bar                EUR   20,00
Rückgeld           EUR   -9,55

MwSt-Satz   Netto  MwSt  Brutto
A  7,00%     6,87  0,48    7,35
B 19,00%     2,61  0,49    3,10

   Vielen Dank für Ihren Einkauf
  Umtausch bis 26.03.2024
"""
SLIPS["german inn"] = """
        Gasthof Zum Wilden Esel
         Inh. Petra Kornblum
          Am Markt 3
        91541 Rothenburg
       Rechnung Nr. 2231
  Tisch 12     05.11.2023 20:14

 2 Helles 0,5l         8,40
 1 Schnitzel Wiener   17,90
 1 Salat gemischt      5,50

 Zwischensumme        31,80
 19% MwSt enthalten    1,34
  7% MwSt enthalten    1,53
 Gesamtbetrag EUR     31,80
 EC-Karte             31,80
"""
SLIPS["french bakery"] = """
          BOULANGERIE DES ARCADES
             12, rue du Vieux Pont
               69005 LYON
          Tél : 04 72 55 01 43
       SIRET 802 954 785 00028
    Ticket de caisse n° 10423
  Le 07/09/2023 à 08:41  Caisse 1

Désignation    Qté   P.U.   Montant
Baguette trad   2    1,20     2,40 €
Croissant       3    1,10     3,30 €
Tarte citron    1    4,50     4,50 €

TOTAL HT                      9,67
TVA 5,5%                      0,53
TOTAL TTC                    10,20 €
CB                           10,20 €
      Merci de votre visite
"""
SLIPS["american diner"] = """
        THE COPPER KETTLE DINER
          482 Maple Avenue
        Springfield, IL 62704
           (217) 555-0143

Server: Dana        Table 7
Check #: 10432      Guests: 2
04/13/2024          7:52 PM

2 Pancake Stack        17.90
1 Denver Omelette      12.50
2 Coffee                6.50
1 Orange Juice          3.75

Subtotal               40.65
Sales Tax               3.46
Tip                     8.00
Total                 $52.11

VISA ************4417  $52.11
AUTH CODE 004512
     THANK YOU!
"""
SLIPS["american hardware"] = """
^  HARLOW'S HARDWARE
  Store #0231
  1900 N Ridge Rd
  Lorain, OH 44055
  SALE
  CASHIER MIKE
  0231 00003 55012 03/28/23 05:41 PM
 070798 CAULK WHITE        4.98
 2@ 7.48 PAINT BRUSH      14.96
 SUBTOTAL                 19.94
 SALES TAX 6.5%            1.30
 TOTAL                   $21.24
 DEBIT                    21.24
 RETURN POLICY EXPIRES ON 06/26/2023
"""
SLIPS["chinese shop"] = """
      云朵便利店（学府路店）
      杭州市西湖区学府路18号
      电话：0571-55550143
 单号：20240315000123
 收银员：小林
 日期：2024-03-15 18:22:07
 品名       数量  单价   金额
 矿泉水      2    2.00    4.00
 牛肉面      1   18.50   18.50
 合计                    22.50
 优惠                     2.50
 实付                    20.00
 微信支付                20.00
   谢谢惠顾
"""
SLIPS["stationery with a note"] = """
               LIM BOON HWA
^      CAHAYA BARU STATIONERY
        NO. 18, JALAN MELOR 3/5,
          TAMAN SERI MELOR,
        81300 SKUDAI, JOHOR.
     TEL: 07-555 0143  FAX: 07-555 0144
        GST ID NO: 001234567890
            TAX INVOICE
 Invoice No : CS-00123
 Date : 03-01-2017   Time: 15:41:02
 Cashier : ALI
 -------------------------------------
 A4 PAPER 80GSM
   2 X 11.90            23.80 SR
 PEN BLUE
   3 X 1.20              3.60 SR
 -------------------------------------
 Total Qty : 5
 Total (Excl. GST)      25.85
 GST 6%                  1.55
 Total (Incl. GST)      27.40
 Rounding Adj            0.00
 TOTAL :           RM   27.40
 CASH              RM   50.00
 CHANGE            RM   22.60
"""
SLIPS["eatery with rounding"] = """
   RESTORAN NASI KANDAR
     SINAR PELANGI
   (JM0654321-K)
   123G JALAN BESAR
   BATU 9, 43200 CHERAS
   SELANGOR
   012-5550143
   Table: 8     Pax: 4
   21 May 2018 13:05
   2 TEH TARIK          3.60
   4 ROTI CANAI         5.20
   1 NASI GORENG        7.53
   SUB TOTAL           16.33
   ROUNDING            -0.03
   TOTAL               16.30
   TENDERED            20.30
   CHANGE               4.00
   SST REG NO W10-1808-32000111
"""
SLIPS["market of a company"] = """
  MEGAH JAYA MINI MARKET S/B
  CO. REG. 123456-X
  LOT 7, GROUND FLOOR, WISMA KENARI,
  JLN TUN PERAK, 50050 K.LUMPUR
  INVOICE NO: 5541   12:03:44 PM
  DATE: 9/2/2018
  MILO 1KG                   18.90
  GARDENIA                    2.80
  TOTAL SAVING 1.00
  TOTAL SALES             RM 21.70
  VISA CARD                  21.70
  GST SUMMARY   AMOUNT   TAX
  SR 6%          20.47   1.23
"""
SLIPS["italian trattoria"] = """
      TRATTORIA DA PEPPINO S.R.L.
        VIA GARIBALDI 27
       20121 MILANO (MI)
       P.IVA 07643520567
    DOCUMENTO COMMERCIALE
  di vendita o prestazione
DESCRIZIONE        IVA    Prezzo(€)
COPERTO            10%       4,00
SPAGHETTI          10%      11,00
VINO ROSSO 1/2L    10%       7,50
TOTALE COMPLESSIVO          22,50
di cui IVA                   2,05
Pagamento contante          30,00
Resto                        7,50
18-06-2023 21:17
DOC.N. 0112-0045
"""
SLIPS["spanish market"] = """
      SUPERMERCADOS LA PALOMA S.L.
      C/ Mayor, 45
      28013 MADRID
      NIF B12345674
      FACTURA SIMPLIFICADA 2231-014
      17/10/2022 19:05
 LECHE ENTERA 1L   2 x 0,95   1,90
 PAN MOLDE                    1,45
 TOMATES 0,845 kg  2,10 €/kg  1,77
 TOTAL (€)                    5,12
 TARJETA                      5,12
 IVA   BASE IMPONIBLE   CUOTA
 4%    4,92             0,20
"""
SLIPS["dutch shop"] = """
     DE GROENE WINKEL B.V.
     Kerkstraat 88
     3581 RE Utrecht
     BTW nr NL004495445B01
  Datum 02-12-2023   Tijd 11:20
  HALFVOLLE MELK        1,19
  KAAS JONG 500G        5,49
  SUBTOTAAL             6,68
  KORTING              -0,50
  TE BETALEN            6,18
  PIN                   6,18
  BTW 9%  over 5,67     0,51
"""
SLIPS["british cafe"] = """
     BRAMBLE & THORN LTD
     7 Station Parade
     Harrogate HG1 1TT
     VAT No. 987 6543 21
   23 Jul 2022  10:14
   FLAT WHITE           £3.20
   CHEESE SCONE         £2.75
   Total                £5.95
   Card                 £5.95
   VAT @ 20% included    0.53
"""
SLIPS["indonesian eatery"] = """
   WARUNG SEDERHANA
   Jl. Kenanga No. 12, Bandung
   12/08/2019 12:45
   2 NASI GORENG      50.000
   1 ES TEH            8.000
   Subtotal           58.000
   PB1 10%             5.800
   TOTAL              63.800
   TUNAI             100.000
   KEMBALI            36.200
"""
SLIPS["singapore wok"] = """
    HAPPY WOK PTE LTD
    10 Bayfront Ave #01-22
    Singapore 018956
    GST Reg No: 200012345M
    Receipt: 00451
    15-Feb-2023 19:44
    1 Chilli Crab         68.00
    2 Rice                 2.00
    SubTotal              70.00
    Svc Chg 10%            7.00
    GST 8%                 6.16
    TOTAL               S$83.16
    NETS                  83.16
"""
SLIPS["two totals"] = """
   CORNER SHOP
   5 High Street
   TOTAL      12.40
   TOTAL      14.20
"""
SLIPS["parking"] = """
   CITY PARK SDN BHD (123456-W)
   LEVEL 3, MENARA DUTA, JALAN DUTA 50480 KUALA LUMPUR
   ENTRY TIME 01/02/2018 09:00
   PAID TIME  01/02/2018 11:30
   PARKING FEE    RM 4.00
   TOTAL          RM 4.00
"""
SLIPS["bakery with a fax line"] = """
      tan mei ling
  DAPUR MAKMUR BAKERIES (KL) SDN BHD (139386 X)
  Lot 3, Jalan Pekaka 23/1,
  40300 Shah Alam, Selangor.
  Tel: 03- 55550143 Fax: 03-55550144
  GST ID: 000381399040
  TAX INVOICE / ADJ NOTE
  CASH SALES
  28/10/2017
  1  WHITE BREAD 600G    2.78   5    13.90
  Total 0% supplies:            13.90
  Total 6% supplies (Excl. GST)  0.00
  GST:                           0.00
  Total Payable:                13.90
"""
SLIPS["mart with a branch"] = """
^ 88 LAJU MART S/B (519500-X)
  LOT P.T. 2800, JALAN HELANG,
  TAMAN BERJAYA
  41150 KLANG, SELANGOR
  1237-TMN PERMATA
  GST ID. NO : 000181740000
  INVOICE NO : 18290/102/T0341
  08:21PM 568100   25-12-17
  8888 SUGAR PKT 1KG    RM2.95 S
  TOTAL SALES (INCLUSIVE GST) RM 2.95
  ROUNDING ADJUSTMENT  RM 0.00
  CASH                 RM 5.00
  CHANGE               RM 2.05
  GST SUMMARY   AMOUNT(RM)  TAX(RM)
  S = 6%           2.78      0.17
"""
SLIPS["hardware chain"] = """
  MR. H.A.N.D.Y. (KUCHAI) SDN BHD
  (CO. REG : 750400-W)
  LOT 1851-A & 1851-B, JALAN KPB 6,
  KAWASAN PERINDUSTRIAN BALAKONG,
  43300 SERI KEMBANGAN, SELANGOR
  (GST ID NO : 000306020000)
  (TESCO EXTRA PLENTONG)
  -INVOICE-
  LED BULB 5W   WA34 - 12
  9073404           2 X  8.90   17.80
  ITEM(S) : 1   QTY(S) : 2
  TOTAL INCL. GST@6%       RM 17.80
  CASH                     RM 20.00
  CHANGE                   RM  2.20
  GST @6% INCLUDED IN TOTAL RM 1.01
  12-01-17 14:22 SH01 ZK09 T1 R000027830
"""
SLIPS["brush shop"] = """
  PERNIAGAAN CHENG TAI
  JM0326900-V
  NO.59 JALAN PERMAS 9/5
  BANDAR BARU PERMAS JAYA
  81750 JOHOR BAHRU
  TEL:07-555 0143
  GST NO.:000800689000
  SIMPLIFIED TAX INVOICE
  CASH
  DOC NO. : CS00081400   DATE: 26/02/2018
  CASHIER : USER    TIME: 15:22:00
  ITEM   QTY   S/PRICE   AMOUNT  TAX
  1851   1     25.44     25.44   SR
  SYNTHETIC BRUSH 1
  TOTAL QTY:  1          25.44
  TOTAL SALES (EXCLUDING GST) :   24.00
  DISCOUNT :                       0.00
  TOTAL GST :                      1.44
  ROUNDING :                       0.01
  TOTAL SALES (INCLUSIVE OF GST): 25.45
  CASH :                          50.45
  CHANGE :                        25.00
"""
SLIPS["name over two lines"] = """
   KEDAI KOPI & MAKANAN
   HOCK SENG
   (0005583000-K)
   LOT 276 JALAN BANTING
   43800 DENGKIL, SELANGOR.
   DATE : 02/03/2018 12:33
   NASI LEMAK          8.50
   KOPI O              1.80
   TOTAL              10.30
"""
SLIPS["brand and company"] = """
   B.O.N. / BONNIE'S INDEPENDENT GROCER SDN. BHD.
   LOT 6, JALAN BATAI,
   PLAZA BATAI, DAMANSARA HEIGHTS,
   50490 KUALA LUMPUR
   GST REG NO : 000427182000
   Welcome to B.O.N.
   Slip No: 001
   FRESH MILK 1L     6.75
   TOTAL             6.75
   TOTAL ROUNDED     6.75
   VISA              6.75
   16/03/18 20:52
"""
SLIPS["petrol station"] = """
  Stesen Minyak Setia Enterprise
  No.2 Jalan Bangsar Utama 9
  59000 Bangsar Utama
  Wil Persekutuan
  Tel: 03-55550143
  Co No : 000985500-W
  Site : 1066
  Pre Auth Code: 123456
  FuelSave 95    45.45 LITRE   2.200
  Pump 1            RM 100.00 C
  Total Gross       RM 100.00
  PrePaid Visa Fuel    100.00
  Relief GST C         RM 0.00
  Date  Time   Num  Opt  Pos
  12/03/18 18:03 62120 01 001
"""
SLIPS["company at the foot"] = """
  HERITAGE CORNER CAFE
  TAX INVOICE
  Bill No: V001-540835  Date: 01 Jun 2018
  Opened: 11:34
  Item       Qty  Amt
  Laksa       2   16.00
  Teh O       2    3.60
  Total (MYR)     19.60
  Service Charge (10%) 1.96
  Rounding        0.04
  Grand Total     21.60
  Closed: 12:01   Cashier: Siti
  KEMBARA HERITAGE SDN BHD (1032202-V)
  G-12 Plaza Damas, Jalan Sri Hartamas 1, 50480 Kuala Lumpur
"""
SLIPS["paint shop"] = """
  SYARIKAT PERNIAGAAN LIM KEE
  (81109-A)
  NO 290, JALAN AIR PANAS,
  SETAPAK,
  53200, KUALA LUMPUR.
  TEL : 03-40210276
  GST ID : 000750673000
  SIMPLIFIED TAX INVOICE
  CASH
  Doc No. : CS00013100  Date: 15/01/2018
  Item   Qty  S/Price  Amount  Tax
  1492   1    160.00   160.00  SR
  PAINT 5L
  Total Qty: 1  160.00
  Total Sales (Excluding GST) :  150.94
  Discount : 0.00
  Total GST : 9.06
  Rounding : 0.00
  Total Sales (Inclusive of GST) : 160.00
  CASH : 160.00
  Change : 0.00
"""
SLIPS["unit prices below names"] = """
  TED HUNG STATIONERY & BOOKS
  (001451637-M)
  NO. 53, JALAN BESAR,
  45600 BATANG BERJUNTAI
  SELANGOR DARUL EHSAN
  TEL:03-32710143 FAX:03-32710144
  GST ID: 001692950000
  ITEM  AMOUNT
  GLUE STICK
  SR 100100000055- 1.00 UNIT X 5.0000   5.00
  FILE
  SR 100100000066- 2.00 UNIT X 3.5000   7.00
  SUB-TOTAL  12.00
  GST @6% 0.68
  TOTAL RM 12.00
  PAID AMOUNT 50.00
  CHANGE 38.00
  TOTAL QTY TENDER 3.00
  BILL #: T3 000021   04/03/2018 3:12 PM
"""
