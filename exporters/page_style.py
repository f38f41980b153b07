"""The style sheet of the standalone page. It is inside the file, and its hash is in the file's policy."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #fff; --desk: #f3f4f6;
  --shade: #f6f8fa; --ok: #1a7f37; --warn: #8a5a00; --bad: #b3261e; --info: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4af; --line: #3a424c; --paper: #16191d;
  --desk: #0d0f12; --shade: #20252b; --ok: #56d364; --warn: #e3b341; --bad: #ff8a80; --info: #79b8ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--desk); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif;
  overflow-wrap: break-word; }
header, section { max-width: 54rem; margin: 1rem auto; padding: 1rem clamp(.9rem, 4vw, 2.5rem); }
header h1 { font-size: 1.3rem; margin: 0; }
header p { margin: .2rem 0 0; color: var(--soft); }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; }
.folio { color: var(--soft); font-size: .85rem; border-bottom: 1px solid var(--line); padding-bottom: .4rem;
  display: flex; justify-content: space-between; }
.badge { border: 1px solid; border-radius: 1rem; padding: 0 .55rem; font-size: .8rem; }
.ok { color: var(--ok); } .repaired { color: var(--info); } .partial, .fallback { color: var(--warn); }
.failed { color: var(--bad); }
h2, h3, h4, h5, h6 { line-height: 1.25; margin: 1.4em 0 .5em; }
p { margin: .7em 0; }
.caption, .aside, .missing, details { color: var(--soft); font-size: .9rem; }
.missing { border: 1px dashed var(--line); padding: .8rem; margin: 0; }
.wide { overflow-x: auto; margin: 1em 0; }
table { border-collapse: collapse; font-size: .92rem; }
th, td { border: 1px solid var(--line); padding: .3em .6em; text-align: start; vertical-align: top; }
th { background: var(--shade); }
figure { margin: 1em 0; }
img { max-width: 100%; height: auto; background: #fff; border-radius: .2rem; }
pre { overflow-x: auto; background: var(--shade); padding: .7rem; border-radius: .3rem; margin: .4em 0; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
@media print { body, section { background: none; border: 0; } section { break-after: page; } }
"""
