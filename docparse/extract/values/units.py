"""Units of quantities as invoices and receipts print them, in the languages that docparse reads."""

from __future__ import annotations

import re

# Longest first is not needed: the word must end where the unit ends. A full stop may follow each.
_PIECES = (
    "pcs pce pc piece pieces ea each unit units item items set sets pair pairs prs dozen doz dz lot lots nos "
    "stk stck stück stueck stueckzahl satz sätze paar "
    "pièce pièces unité unités u paire paires lot lots jeu jeux "
    "stuks st stuk set paar "
    "ud uds udes unidad unidades pza pzas pieza piezas par pares "
    "pz pezzo pezzi nr n cad paio paia "
    "peça peças unid "
    "keping biji unit helai"
)
_PACKS = (
    "box boxes bx ctn ctns carton cartons pack packs pkt pkts packet packets pk bag bags btl bottle bottles can "
    "cans roll rolls pallet pallets tray trays karton kartons kiste kisten packung packungen pkg flasche flaschen "
    "rolle rollen palette paletten dose dosen ve kt boîte boîtes carton cartons bouteille bouteilles sac sacs "
    "rouleau rouleaux doos dozen fles flessen rol rollen caja cajas botella botellas rollo rollos scatola scatole "
    "conf confezione bottiglia bottiglie rotolo rotoli caixa caixas garrafa garrafas kotak botol"
)
_TIME = (
    "h hr hrs hour hours min mins minute minutes day days week weeks month months year years "
    "std stunde stunden tag tage woche wochen monat monate jahr jahre pt mt "
    "heure heures jour jours semaine semaines mois an ans uur uren dag dagen maand maanden jaar "
    "hora horas día días dia dias mes meses año años ora ore giorno giorni mese mesi anno anni hari bulan"
)
_MEASURES = (
    "kg kgs kgm g gr gram grams mg t to tonne tonnes tonnen lb lbs oz l ltr litre litres liter liters ml cl dl gal "
    "m cm mm km lfm lm ft inch m2 m² qm sqm sqft m3 m³ cbm lfd kwh mwh gb mb tb user users seat seats km/h psch pausch "
    "pauschal psch forfait licence licences license licenses lizenz lizenzen person personen pers pax"
)
_CHINESE = (
    "件 个 個 只 套 台 箱 瓶 包 盒 张 張 条 本 支 块 双 对 次 份 斤 公斤 千克 克 吨 米 升 小时 天 月 年 把 袋 卷 根 片"
)

WORDS: frozenset[str] = frozenset(" ".join((_PIECES, _PACKS, _TIME, _MEASURES)).split())
CHARACTERS: frozenset[str] = frozenset(_CHINESE.split())


def _alternatives(words: frozenset[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


UNIT = rf"(?:(?:{_alternatives(WORDS)})(?![^\W_]|[²³])\.?|{_alternatives(CHARACTERS)})"
"""A unit, to be matched without regard to case; no group."""
