"""Who gave out the receipt, and where: what is a name, what an address, and what is neither."""

from __future__ import annotations

import pytest
from tills import slip

from docparse.extract.receipt.head import Head, find_head
from docparse.extract.receipt.mending import mended
from docparse.extract.receipt.places import address_score, country_of, head_kind, legal_form, tail_cut
from docparse.extract.receipt.rows import receipt_rows


def head(text: str) -> Head:
    return find_head(receipt_rows(slip(text)))


def company(text: str) -> str | None:
    found = head(text).company
    return None if found is None else found.value


def address(text: str) -> str | None:
    found = head(text).address
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SINAR HARAPAN SDN BHD", "name"),
        ("SINAR HARAPAN SDN. BHD. (123456-X)", "name"),
        ("(123456-X)", "registration"),
        ("CO. REG. NO : 123456-X", "registration"),
        ("JM0326900-V", "registration"),
        ("(139386 X)", "registration"),
        ("NO. 12, JALAN MELUR 3/1", "address"),
        ("NO.59JALAN PERMAS 9/5", "address"),
        ("LOT 1851-A & 1851-B, JALAN KPB 6,", "address"),
        ("43200 CHERAS, SELANGOR", "address"),
        ("SELANGOR, MALAYSIA", "address"),
        ("Lindenstr. 14", "address"),
        ("48149 Münster", "address"),
        ("12, rue du Vieux Pont", "address"),
        ("Springfield, IL 62704", "address"),
        ("Springfield,IL62704", "address"),
        ("Kerkstraat 88", "address"),
        ("TEL: 03-5555 0143", "phone"),
        ("Tel. 0251/5550143", "phone"),
        ("012-5550143", "phone"),
        ("GST REG NO: 000136577024", "tax_id"),
        ("P.IVA 07643520567", "tax_id"),
        ("USt-IdNr. DE136695976", "tax_id"),
        ("www.example.com", "web"),
        ("TAX INVOICE", "title"),
        ("SIMPL IFIED TAX INVOICE", "title"),
        ("Kassenbon", "title"),
        ("LICENSEE OF GOLDEN BURGER", "licensee"),
        ("WELCOME TO OUR FAMILY", "licensee"),
        ("INVOICE NO: 5541", "body"),
        ("14/03/2025 17:42", "body"),
        ("RESTORAN TAMAN MELATI", "name"),
    ],
)
def test_rows_of_the_head(text: str, kind: str) -> None:
    assert head_kind(text) == kind


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ABC SDN BHD", "SDN BHD"),
        ("ABC SDN. BHD.", "SDN. BHD."),
        ("ABC Sn Bhd", "Sn Bhd"),
        ("ABC SDN 8HD", "SDN 8HD"),
        ("ABC S/B", "S/B"),
        ("ABC GmbH & Co. KG", "GmbH & Co. KG"),
        ("ABC S.R.L.", "S.R.L."),
        ("ABC Pte Ltd", "Pte Ltd"),
        ("SUN AND BED", None),
        ("RESTORAN WAN", None),
    ],
)
def test_legal_forms(text: str, form: str | None) -> None:
    at = legal_form(text)
    assert (None if at is None else text[at:]) == form


def test_the_legal_company_wins_over_the_brand() -> None:
    assert company("GOLDEN BOWL\nPINE TREE FOODS SDN BHD\nNO. 1, JALAN MELUR") == "PINE TREE FOODS SDN BHD"


def test_the_company_behind_the_owner() -> None:
    text = "BUN CAFE\nDIMILIKI: BUN CAFE SDN BHD 1110600-W\nNO. 1 JALAN PUTERI 7/10\n47100 PUCHONG"
    assert company(text) == "BUN CAFE SDN BHD"


def test_the_number_behind_the_name_is_cut_off() -> None:
    assert company("Pine Tree Marketing Sdn Bhd(728000-M)\nNo. 9, Jalan Dinar") == "Pine Tree Marketing Sdn Bhd"
    assert company("Elm Realties Sdn Bhd (Co. No:20154-T)\n27, Jalan Dinar") == "Elm Realties Sdn Bhd"


def test_a_name_over_two_lines() -> None:
    text = "PASAR RAYA MEGA SENTOSA\n(SEMENYIH) SDN BHD\n(767840-W)\nNO 24, JALAN BUNGA"
    assert company(text) == "PASAR RAYA MEGA SENTOSA (SEMENYIH) SDN BHD"
    assert company("RESTORAN NASI KANDAR\nSINAR PELANGI\n(JM0654321-K)\n123G JALAN BESAR") == (
        "RESTORAN NASI KANDAR SINAR PELANGI"
    )


def test_a_note_above_the_name_is_not_it() -> None:
    assert company("ong mei fen\nCAHAYA STATIONERY\nNO. 18, JALAN MELOR 3/5,\n81300 SKUDAI") == "CAHAYA STATIONERY"


def test_a_licence_stands_between_name_and_address() -> None:
    text = "PINE FOODS SDN BHD\n(65000-M)\nLICENSEE OF GOLDEN BUN\nLEVEL 6, MENARA DUA,\n47400 SUBANG JAYA\nSELANGOR"
    assert address(text) == "LEVEL 6, MENARA DUA, 47400 SUBANG JAYA SELANGOR"


def test_a_tax_number_may_stand_above_the_address() -> None:
    text = "Elm Realties Sdn Bhd\n(GST Reg No : 000850247000)\nMenara Elm #02-03, Level 2,\n50250 Kuala Lumpur."
    assert address(text) == "Menara Elm #02-03, Level 2, 50250 Kuala Lumpur."


def test_the_phone_on_the_same_row_is_not_of_the_address() -> None:
    text = "ELM SDN BHD\nNO. 1, JALAN MELUR 3, TEL: 03-55550143\nTAX INVOICE"
    assert address(text) == "NO. 1, JALAN MELUR 3"


def test_a_branch_below_the_town_is_not_of_the_address() -> None:
    text = "ELM MART S/B\nLOT 28, JALAN ANGSANA,\n41150 KLANG, SELANGOR\n1237-TMN PERMATA\nINVOICE NO : 12"
    assert address(text) == "LOT 28, JALAN ANGSANA, 41150 KLANG, SELANGOR"


def test_a_town_after_a_comma_belongs() -> None:
    text = "ELM MART S/B\nNO 290, JALAN AIR PANAS,\nSETAPAK,\n53200, KUALA LUMPUR.\nTEL : 03-40210000"
    assert address(text) == "NO 290, JALAN AIR PANAS, SETAPAK, 53200, KUALA LUMPUR."


def test_a_building_below_the_country_is_not_of_the_address() -> None:
    text = (
        "ELM CAFE\nNo 8, Jalan Melur 7, Desa Indah\n56000 Kuala Lumpur, Malaysia\nAMPANG PEAK CENTRE\nTEL: 03-40210000"
    )
    assert address(text) == "No 8, Jalan Melur 7, Desa Indah 56000 Kuala Lumpur, Malaysia"


def test_a_place_may_go_on_over_two_lines() -> None:
    text = "ELM CAFE\nNo 8, Jalan Melur 7, 53300 Kuala Lumpur, Wilayah Persekutuan Kuala\nLumpur, Malaysia.\nTEL: 03"
    assert address(text) == "No 8, Jalan Melur 7, 53300 Kuala Lumpur, Wilayah Persekutuan Kuala Lumpur, Malaysia."


def test_a_postcode_on_a_line_of_its_own_belongs() -> None:
    text = "ELM CAFE\nLOT G11 & 12, PINE MALL\nNO 1, JLN MELUR 1A/4\n47301\nTEL: 03-40210000"
    assert address(text) == "LOT G11 & 12, PINE MALL NO 1, JLN MELUR 1A/4 47301"


def test_a_mall_below_the_name_is_not_of_the_name() -> None:
    assert company("NINE OUNCE COFFEE CO.\nTHE ARBOUR MALL\nLOT 3, JALAN MELUR 3") == "NINE OUNCE COFFEE CO."


def test_unsure_letters_make_an_unsure_name() -> None:
    text = "PINE TREE FOODS SDN BHD\nNO. 1, JALAN MELUR\n43200 CHERAS"
    sure = find_head(receipt_rows(slip(text, confidence=0.99))).company
    unsure = find_head(receipt_rows(slip(text, confidence=0.7))).company
    assert sure is not None
    assert unsure is not None
    assert unsure.confidence < 0.7 < sure.confidence < 0.9


@pytest.mark.parametrize(
    ("read", "right"),
    [
        ("The WorId Sdn Bhd", "The World Sdn Bhd"),
        ("McIntyre Foods", "McIntyre Foods"),
        ("Pine Sn Bhd", "Pine Sdn Bhd"),
        ("PINE SON BHD", "PINE SDN BHD"),
        ("PINE (M) SDN BH D", "PINE (M) SDN BHD"),
        ("PINE SDN HD", "PINE SDN BHD"),
        ("4O150 SHAH ALAM", "40150 SHAH ALAM"),
        ("Henara Elm", "Menara Elm"),
        ("TAMAH MELUR", "TAMAN MELUR"),
        ("JI. Kenanga No. 12", "Jl. Kenanga No. 12"),
        ("NASI KANDAR", "NASI KANDAR"),
        ("BUNGA RAYA", "BUNGA RAYA"),
        ("U3/D", "U3/D"),
    ],
)
def test_what_is_put_right(read: str, right: str) -> None:
    assert mended(read) == right


def test_countries() -> None:
    assert country_of("43200 CHERAS, SELANGOR") == "MY"
    assert country_of("Singapore 018956") == "SG"
    assert country_of("12 High Street") is None


def test_a_house_number_is_no_registration() -> None:
    text = "LOT 1851-A & 1851-B, JALAN KPB 6,"
    assert tail_cut(text) == len(text)
    assert address_score(text) >= 2
