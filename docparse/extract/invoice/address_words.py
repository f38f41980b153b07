"""Words that give away a company, a street, a salutation: data for ``address``, as regular expressions."""

from __future__ import annotations

LEGAL_FORMS = (
    # Germany, Austria, Switzerland
    r"GmbH(?: ?& ?Co\.?(?: ?(?:KG|OHG|KGaA))?)?",
    r"GMBH(?: ?& ?CO\.?(?: ?(?:KG|OHG|KGAA))?)?",
    *("gGmbH", "mbH", "AG", "KGaA", "KG", "OHG", "GbR", "eG", "Stiftung", "Genossenschaft"),
    r"UG(?: ?\(haftungsbeschränkt\))?",
    *(r"e\. ?K\.", r"e\. ?V\.", r"e\. ?G\.", r"a\. ?G\.", r"Ges\. ?m\. ?b\. ?H\.", r"Ges\.?m\.?b\.?H\.?"),
    # France, Belgium, Luxembourg
    *(
        r"S\.? ?[àa] ?r\.? ?l\.?",
        r"S\.?A\.?R\.?L\.?",
        "Sarl",
        r"S\.?A\.?S\.?U?\.?",
        "EURL",
        r"E\.U\.R\.L\.",
        "SCI",
        "SNC",
    ),
    *(r"S\.?A\.?", "SA/NV", "NV/SA", "SPRL", "SRL", "BVBA", "SCOP", "ASBL"),
    # Netherlands
    *(r"B\.? ?V\.?", r"N\.? ?V\.?", r"V\.? ?O\.? ?F\.?", "VOF", "Vof"),
    # Italy, Spain, Portugal, Latin America
    *(r"S\.?R\.?L\.?", r"S\.?r\.?l\.?", r"S\.?[pP]\.?A\.?", r"S\.?n\.?c\.?", r"S\.?a\.?s\.?"),
    *(r"S\.? ?L\.? ?U?\.?", r"S\.?L\.?L\.?", r"S\.? ?C\.? ?P\.?", r"S\.A\. de C\.V\.", r"Ltda?\.?", r"Lda\.?"),
    # English
    *("Limited", "LIMITED", "LTD", "LLP", r"L\.L\.P\.", "LLC", r"L\.L\.C\.", "PLC", "plc", r"Inc\.?", r"INC\.?"),
    *("Incorporated", r"Corp\.?", "Corporation", "Company", r"Pty\.? ?Ltd\.?", r"Pvt\.? ?Ltd\.?", "Private Limited"),
    *(r"Pte\.? ?Ltd\.?", r"PTE\.? ?LTD\.?", r"Co\.,? ?Ltd\.?", r"CO\.,? ?LTD\.?", "Holding", "Holdings", "Group"),
    # Malaysia
    *(r"Sdn\.? ?Bhd\.?", r"SDN\.? ?BHD\.?", r"Bhd\.?", "Berhad", "Enterprise", "ENTERPRISE", "Trading", "TRADING"),
    # The north and the east
    *("Oy", "Oyj", "AB", "ApS", "A/S", "AS", "ASA", r"Sp\. ?z ?o\. ?o\.", r"s\.?r\.?o\.?", r"a\.s\.", r"Kft\.?"),
    *("Zrt", r"d\.o\.o\.", "OÜ", "SIA", "UAB", "EOOD", "EAD"),
)
"""Case counts: "sa" and "as" are words."""
WIDE_FORMS = ("有限公司", "有限责任公司", "股份公司", "株式会社", "合同会社", "公司$", "商行$", "商店$", "事务所$")

# A street's word at the end of another word or alone, its number after it.
STREETS_BEFORE_NUMBER = (
    *("straße", "strasse", r"str\.", "gasse", "weg", "allee", "platz", "ring", "damm", "ufer", "chaussee", "graben"),
    *("steig", "markt", "hof", "pfad", "straat", "laan", "plein", "kade", "dreef", "singel", "gracht", "dijk"),
    *("steenweg", "baan", "lei"),
)
# The number first: 12 rue, 7 Main Street.
FRENCH_STREETS = (
    *("rue", "avenue", r"av\.?", "boulevard", r"bd\.?", "blvd", "place", "chemin", "impasse", "allée", "quai", "route"),
    *("cours", "square", "passage", "faubourg", "voie", "parc"),
)
ENGLISH_STREETS = (
    *("street", "st", "road", "rd", "lane", "ln", "drive", "dr", "avenue", "ave", "way", "court", "ct", "square", "sq"),
    *("place", "pl", "boulevard", "blvd", "terrace", "close", "crescent", "parkway", "pkwy", "highway", "hwy"),
    *("circle", "park", "row", "gardens", "hill", "mews", "walk"),
)
# The word first, a number somewhere after it.
STREETS_FIRST = (
    *("rue", "avenue", "boulevard", "place", "chemin", "impasse", "quai", "route de", "calle", "c/", "plaza", "paseo"),
    *("avda", "avenida", "carrer", "ctra", "camino", "polígono", r"pol\. ind", "via", "viale", "piazza", "corso"),
    *("largo", "strada", "località"),
)
BOXES = (
    *(r"p\.?\s?o\.?\s?box", "postfach", "postbus", "bp", r"b\.p\.", "apartado", "casella postale", "suite", "unit"),
    *("floor", "level", "block", "lot", "plot"),
)
MALAY_STREETS = ("jalan", r"jln\.?", r"jl\.?", "lorong", "persiaran", "taman", "lebuh", "lebuhraya", "kampung")

SALUTATIONS = (
    *("an", "firma", "herrn?", "frau", "familie", "eheleute", "herrn?/frau", "mr", "mrs", "ms", "messrs", "m/s"),
    *("monsieur", "madame", "mme", "mlle", "société", "sr", "sra", "señor(?:a|es)?", r"spett\.?(?:le|abile)?"),
    *(r"egr\.? ?sig\.?", r"gent\.?ma", "de heer", "mevrouw", "dhr", "mevr", r"t\.a\.v\.?", "a/c", "dr", "prof", r"m\."),
    *("gentile cliente", "chère? cliente?", "estimad[oa] cliente", "dear customer", "geachte klant"),
)
NO_TITLES = frozenset(
    {"an", "eheleute", "firma", "société", "a/c", "messrs", "m/s", "t.a.v", "spett.le", "spettabile", "spett"}
) | frozenset({"gentile cliente", "cher client", "chère cliente", "estimado cliente", "dear customer", "geachte klant"})
"""Salutations that are no part of a name."""
