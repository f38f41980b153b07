"""The style sheet of a run's report. It is inside the file, and its hash is in the file's policy."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #fff; --desk: #f3f4f6;
  --shade: #f6f8fa; --ok: #1a7f37; --mend: #0550ae; --warn: #8a5a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4af; --line: #3a424c; --paper: #16191d;
  --desk: #0d0f12; --shade: #20252b; --ok: #56d364; --mend: #79b8ff; --warn: #e3b341; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--desk); color: var(--ink); font: .95rem/1.45 system-ui, sans-serif;
  overflow-wrap: anywhere; }
header, section { max-width: 80rem; margin: 1rem auto; padding: 1rem clamp(.8rem, 3vw, 2rem); }
header { padding-block: .5rem 0; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0 0 .7rem; }
header p, .soft { color: var(--soft); }
header p { margin: .2rem 0 0; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; overflow-x: auto; }
table { border-collapse: collapse; }
#errors table, #pages table, #files table { width: 100%; }
th, td { padding: .35rem .7rem .35rem 0; text-align: start; vertical-align: top; border-bottom: 1px solid var(--line); }
tr:last-child > td { border-bottom: 0; }
th { color: var(--soft); font-weight: normal; font-size: .85rem; overflow-wrap: normal; }
#files td:first-child, #pages td:nth-child(3) { width: 50%; }
#pages td:nth-child(2), #files td:last-child { min-width: 13rem; }
.n { text-align: end; white-space: nowrap; font-variant-numeric: tabular-nums; }
ul { margin: 0; padding-left: 1.1rem; }
code { font: .85em ui-monospace, monospace; color: var(--soft); overflow-wrap: normal; }
svg { display: block; width: 100%; }
.bar { height: .8rem; margin-bottom: .8rem; border-radius: .2rem; }
summary { cursor: pointer; margin-top: 1rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: 1rem 2rem; }
figure { margin: 0; }
figure p { color: var(--soft); font-size: .85rem; margin: .3rem 0 0; }
.plot { margin-top: .4rem; }
.plot rect { fill: var(--mend); }
.plot text { fill: var(--soft); font: 10px system-ui, sans-serif; text-anchor: middle; }
.badge { border: 1px solid; border-radius: 1rem; padding: 0 .55rem; font-size: .85rem; white-space: nowrap; }
.ok { color: var(--ok); fill: var(--ok); } .repaired { color: var(--mend); fill: var(--mend); }
.partial, .fallback { color: var(--warn); fill: var(--warn); } .failed { color: var(--bad); fill: var(--bad); }
rect.fallback { fill-opacity: .6; }
.thumb { width: 9rem; }
.thumb img { display: block; max-width: 8rem; max-height: 11rem; background: #fff; border: 1px solid var(--line); }
a { color: var(--mend); white-space: nowrap; }
@media (max-width: 45rem) {
  #errors tr, #errors td, #alone tr, #alone td { display: block; }
  #errors tr, #alone tr, #pages tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
  #errors td, #alone td, #pages td { border: 0; padding: .15rem 0; }
  #pages tr { display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: .8rem; }
  #pages tr:first-child { display: none; }
  #pages td:nth-child(2) { min-width: 0; }
  #pages td:nth-child(n + 3) { grid-column: 1 / -1; width: auto; text-align: start; }
  #pages td:empty, #pages .thumb:empty { display: none; }
  #files td:first-child { min-width: 11rem; }
  #pages .n::before { content: attr(data-what) ": "; color: var(--soft); }
}
@media print { body, section { background: none; border: 0; } tr { break-inside: avoid; } }
"""
