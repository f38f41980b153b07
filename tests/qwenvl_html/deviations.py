"""Every deviation of models that the project knows of, and the cases that hold it.

The places are those of the project's notes on models (qwen 1.2 to 1.9) and on other programs (peers 4). A name is
a case of ``cases/*.txt``, or one of ``MADE`` in ``test_markup_cases``; a test checks that it exists.
"""

from __future__ import annotations

DEVIATIONS: dict[str, list[str]] = {
    # qwen 1.1, 1.2: the format as printed, and as a 72B writes it
    "closers in the wrong order, as the report prints them": ["crossed-ends"],
    "every element of the report": [
        *("report-paragraph", "report-headings", "report-table", "report-chart", "report-formula", "report-music"),
        *("report-image-caption", "report-image-ocr", "report-chemistry"),
    ],
    "a Markdown fence around the answer": ["fence", "fence-open", "fence-unnamed", "fence-tildes", "fence-twice"],
    "the same box on the image and its img": ["cookbook-image", "image-one-box"],
    "boxes on the items of a list, not on the list": ["lists", "boxes-on-items-only"],
    "data-polygon": ["box-polygon", "box-polygon-five", "box-polygon-and-box", "polygon-on-image"],
    "colours in style attributes": ["other-marks", "style-attribute"],
    "classes of the cookbook": ["formula-handwritten", "formula-two-classes", "image-caption-dotted"],
    # qwen 1.5: where the cookbook's own reader fails
    "no body": ["no-html", "cut-before-anything", "body-only"],
    "box of three or five numbers, of words": ["box-too-few", "box-too-many", "box-words", "box-empty-string"],
    # qwen 1.6
    "small models do not produce the format": ["md-blocks", "text-plain", "md-wrapped", "md-html-table"],
    "no boxes when self-hosted": ["box-missing", "qwen3-no-boxes", "list-without-box"],
    "endless loops on tables and dense pages": ["loop-of-rows", "loop-of-two", "a sentence for ever"],
    "true repetition must survive": ["identical-rows", "repetition-elsewhere", "a rule of dots"],
    "an image link instead of a transcription": ["md-image", "md-picture-line"],
    "reversed corners": ["box-reversed", "box-half-reversed"],
    "boxes outside of the image": ["box-outside", "box-far-outside", "box-negative", "box-outside-unknown-page"],
    "the same box repeated": ["box-repeated", "box-attribute-twice", "box-twice", "duplicate"],
    "commas in boxes": ["box-commas", "tuned-commas"],
    "floats in boxes": ["box-floats"],
    "prose before the fence": ["prose-before-fence", "prose-before-html", "long text before the markup"],
    "missing closers after truncation": [
        *("cut-text", "cut-start-tag", "cut-tag-name", "cut-end-tag", "cut-entity", "cut-table", "cut-in-list"),
        *("cut-in-fence", "cut-after-element", "html-end-missing", "cut-attribute", "cut-in-formula"),
    ],
    "JSON with trailing commas and fences": ["json-spotting"],
    "JSON that is cut off": ["json-cut", "json-broken"],
    # qwen 1.7
    "Qwen3-VL's flat HTML": ["qwen3", "qwen3-furniture-last", "qwen3-lines"],
    "Qwen3-VL's Markdown with places": ["md-table-latex", "md-image-place", "md-place-in-line"],
    "boxes of 0 to 1000 stay as they are": ["boxes-on-every-node"],
    # qwen 1.9
    "a spiral of tables, each a pixel smaller": ["spiral", "spiral-start", "frame-table"],
    "boxes on every node, width, doctype, empty head": ["boxes-on-every-node", "box-on-rows", "doctype-head"],
    "the prompt as the answer": ["prompt-echo"],
    "one sentence for ever, its first letter changing": ["sentence-loop"],
    "dotted lines": ["dotted-line", "md-dotted-line"],
    "the fine-tuning dialect": ["tuned", "tuned-commas", "tuned-chart-and-formula", "tuned-furniture", "page-number"],
    "a line break inside a heading": ["tuned"],
    "one box for an image and its caption": ["tuned-image-and-caption", "box-repeated"],
    # peers 4
    "olmOCR: front matter before the text": ["md-front-matter"],
    "chandra: labels, lists of numbers, bad boxes, invalid HTML": ["chandra", "chandra-bad-box", "chandra-table"],
    "docling: tables with spans beyond measure, overlaps": ["colspan bomb", "overlap", "a table too long"],
    "MinerU: boxes without area, swapped corners, the same block twice": [
        *("box-zero-width-in-page", "box-point", "box-reversed", "twice-nearly"),
    ],
    "PaddleOCR: lines and suffixes repeated": ["a sentence for ever", "sentence-loop"],
    "dots.ocr: objects without commas, twice, cut off, tables as HTML": [
        *("json-without-commas", "json-twice", "json-cut", "json-dots"),
    ],
    "lift, NuExtract: JSON that is none": ["json-broken", "json-single-quotes", "json-quotes-inside"],
}
