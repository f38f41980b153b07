// Light or dark: as the system has it, until somebody says otherwise. Gradio and the workbench go by a class of body.

const KEPT = "docparse-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function said() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage may be forbidden
  }
}

export const isDark = () => (said() ? said() === "dark" : system.matches);

function apply() {
  const dark = isDark();
  document.documentElement.classList.toggle("dp-dark", dark);
  if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
}

export function toggleTheme() {
  const wanted = isDark() ? "light" : "dark";
  try {
    // What the system has needs no keeping.
    if ((wanted === "dark") === system.matches) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, wanted);
  } catch {
    document.body.classList.toggle("dark");
    return;
  }
  apply();
}

system.addEventListener("change", apply);
addEventListener("storage", apply);
// Gradio sets the class as the system has it, once it has started.
new MutationObserver(apply).observe(document.body, { attributeFilter: ["class"] });
apply();
