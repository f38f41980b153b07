// What of the frame needs a script: files dropped or pasted anywhere, the theme, the end of the session.

import { toggleTheme } from "./theme.js";

const upload = () => document.querySelector('#upload input[type="file"]');
const holdsFiles = (data) => Boolean(data) && [...data.types].includes("Files");

// Gradio's own field takes them from here: one way for all files.
function give(files) {
  const field = upload();
  if (!field || !files.length) return;
  const held = new DataTransfer();
  for (const file of files) held.items.add(file);
  field.files = held.files;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

const dropping = (on) => document.documentElement.classList.toggle("dp-dropping", on);

document.addEventListener("dragover", (event) => {
  if (!holdsFiles(event.dataTransfer)) return;
  event.preventDefault();
  dropping(true);
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) dropping(false);
});
// In the capturing phase: Gradio's own field would take what is dropped on it a second time.
document.addEventListener(
  "drop",
  (event) => {
    dropping(false);
    if (!holdsFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.stopPropagation();
    give([...event.dataTransfer.files]);
  },
  true,
);
document.addEventListener("paste", (event) => {
  if (!holdsFiles(event.clipboardData)) return;
  event.preventDefault();
  give([...event.clipboardData.files]);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest && event.target.closest("#theme, #logout");
  if (!button) return;
  if (button.id === "theme") toggleTheme();
  else {
    await fetch("/logout", { method: "POST", redirect: "manual" }).catch(() => null);
    location.assign("/");
  }
});
