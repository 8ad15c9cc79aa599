// Asks the daemon.

// Nobody answered.
export class Unreachable extends Error {}

// The daemon said no: what, and how to put it right, are in its words.
export class Refused extends Error {
  constructor(status, { where = "", what = "", fix = "" } = {}) {
    super(what);
    Object.assign(this, { status, where, what, fix });
  }
}

const kToken = "yonroku.token";
const kSeconds = 10;

export const has_token = () => sessionStorage.getItem(kToken) !== null;
export const set_token = (token) => sessionStorage.setItem(kToken, token);
export const forget_token = () => sessionStorage.removeItem(kToken);

async function ask(path, signal) {
  const headers = {};
  if (has_token()) headers.Authorization = `Bearer ${sessionStorage.getItem(kToken)}`;
  let response;
  try {
    response = await fetch(path, { headers, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(error.message);
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new Refused(response.status, body.error);
}

// A list can end in an error, when its head has long been sent.
async function json_of(response) {
  const answer = await response.json().catch((error) => { throw new Unreachable(error.message); });
  if (answer.error) throw new Refused(response.status, answer.error);
  return answer;
}

export const get = async (path, seconds = kSeconds) => json_of(await ask(path, AbortSignal.timeout(seconds * 1000)));

// A list that the daemon sends piece by piece, one object on a line. `visit(object)` returns false when it has enough;
// the rest is not fetched then.
export async function visit(path, signal, visit_one) {
  const stop = new AbortController();
  const response = await ask(path, AbortSignal.any([signal, stop.signal]));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const object = line.replace(/(\]\}|,)$/, "");
      if (!object.startsWith("{\"") || object.endsWith("[")) continue;
      if (visit_one(JSON.parse(object))) continue;
      stop.abort();
      reader.cancel().catch(() => {});
      return;
    }
  }
  const last = rest.replace(/\]\}$/, "");
  if (last.startsWith("{\"") && !last.endsWith("[")) visit_one(JSON.parse(last));
}

// All pages of a table of a NAT, `most` entries at most. `signal` ends it.
export async function all_of(path, table, most, signal) {
  const entries = [];
  let next = null;
  do {
    const separator = path.includes("?") ? "&" : "?";
    const answer = await json_of(await ask(`${path}${separator}limit=4096${next ? `&from=${next}` : ""}`, signal));
    entries.push(...answer[table]);
    next = answer.next;
  } while (next && entries.length < most);
  return { entries, is_whole: next === null };
}
