// The REST API as functions. Every call answers with data, or throws a Problem with the service's own sentence.

export class Problem extends Error {
  constructor(status, body) {
    const error = (body && body.error) || {};
    const hint = error.details && error.details.hint;
    const silence = status ? `The service answered ${status}.` : "The service does not answer.";
    super([error.message || silence, hint].filter(Boolean).join(" "));
    this.status = status;
    this.code = error.code || "";
  }
}

async function ask(path, { method = "GET", body, form, signal, as = "json" } = {}) {
  const headers = {};
  let content = form;
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    content = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: content, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, null);
  }
  if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => null));
  if (answer.status === 204) return null;
  if (as === "file") return { blob: await answer.blob(), name: nameOf(answer) };
  return as === "json" ? answer.json() : as === "text" ? answer.text() : answer.blob();
}

// The name that a result is to be saved under (RFC 6266).
function nameOf(answer) {
  const said = answer.headers.get("Content-Disposition") || "";
  const whole = /filename\*=UTF-8''([^;]+)/.exec(said);
  const plain = /filename="([^"]*)"/.exec(said);
  return whole ? decodeURIComponent(whole[1]) : plain ? plain[1] : "result";
}

const at = (job, number) => `/v1/jobs/${job}/pages/${number}`;

export const api = {
  job: (job) => ask(`/v1/jobs/${job}`),
  jobs: (limit = 20) => ask(`/v1/jobs?limit=${limit}`),
  cancel: (job) => ask(`/v1/jobs/${job}/cancel`, { method: "POST" }),
  remove: (job) => ask(`/v1/jobs/${job}`, { method: "DELETE" }),
  records: async (job) => (await ask(`/v1/jobs/${job}/pages`)).pages,
  engines: async () => (await ask("/v1/engines")).engines,
  schemas: async () => (await ask("/v1/schemas")).schemas.filter((schema) => schema.use === "extract"),

  schema: (name) => ask(`/v1/schemas/${encodeURIComponent(name)}`),

  // A page as in the document's JSON: corrected, or as the engine read it.
  async page(job, number, { asRead = false, signal } = {}) {
    const found = await ask(`${at(job, number)}${asRead ? "?as_read=true" : ""}`, { signal });
    return found.pages ? found.pages[0] : found;
  },
  evidence: (job, number, signal) => ask(`${at(job, number)}/evidence`, { signal }),
  rendered: (job, number, signal) => ask(`${at(job, number)}/rendered`, { as: "text", signal }),
  text: (job, number, to) => ask(`${at(job, number)}/text?to=${to}`), // {text, spans: [[id, start, end]...]}
  retry: (job, number, body) => ask(`${at(job, number)}/retry`, { method: "POST", body }),

  corrections: (job, number) => ask(`${at(job, number)}/corrections`),
  correct: (job, number, body) => ask(`${at(job, number)}/corrections`, { method: "PUT", body }),

  read: (job, number, body) => ask(`${at(job, number)}/readings`, { method: "POST", body }),
  compared: (job, number, reading) => ask(`${at(job, number)}/readings/${reading}`),

  fields: (job, schema) => ask(`/v1/jobs/${job}/fields`, { method: "POST", body: { schema } }),
  fieldsExport: (body) => ask("/v1/fields/export", { method: "POST", body, as: "blob" }),
  exported: (job, to, { pages, blocks, as = "text" } = {}) => ask(api.exportURL(job, to, { pages, blocks }), { as }),
  file: (url) => ask(url, { as: "file" }),

  imageURL(job, number, { width, crop } = {}) {
    const query = new URLSearchParams();
    if (width) query.set("width", Math.ceil(width));
    if (crop) query.set("crop", crop.map(Math.round).join(","));
    return `${at(job, number)}/image?${query}`;
  },
  exportURL(job, to, { pages, blocks, asRead } = {}) {
    const query = new URLSearchParams({ to });
    if (pages) query.set("pages", pages);
    if (blocks) query.set("blocks", blocks.join(","));
    if (asRead) query.set("as_read", "true");
    return `/v1/jobs/${job}/result?${query}`;
  },
};

// Follow a job until it is over. `told(event)` gets each event of it; `line(up)` whether the service is there.
// Returns a function that ends it.
export function follow(job, after, told, line = () => {}) {
  let source = null;
  let timer = 0;
  let last = after;
  let ended = false;
  const end = () => {
    ended = true;
    clearTimeout(timer);
    if (source) source.close();
  };
  const heard = (message) => {
    line(true);
    const event = JSON.parse(message.data);
    last = event.number;
    told(event);
    if (event.event === "state" && ["done", "failed", "cancelled"].includes(event.state)) end();
  };
  const open = () => {
    source = new EventSource(`/v1/jobs/${job}/events?after=${last}`);
    for (const kind of ["state", "opened", "page"]) source.addEventListener(kind, heard);
    source.onopen = () => line(true);
    // A browser gives up where it is answered 503 or nothing for long: a service that starts again is found again.
    source.onerror = () => {
      line(false);
      if (ended) return;
      source.close();
      clearTimeout(timer);
      timer = setTimeout(open, 1000);
    };
  };
  open();
  return end;
}
