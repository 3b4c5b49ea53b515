// What every page uses. Text from the network goes into the page through text nodes alone, never as HTML.

export const SEVERITIES = ["critical", "high", "medium", "low", "info"];

export const one = (selector, from = document) => from.querySelector(selector);
export const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// Control characters, and those that turn, hide or break lines of text, are written out: as sensor/textwidth.py does.
export function safe(text) {
  return String(text ?? "").replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0);
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

// An element: attributes that are functions listen, children that are no nodes become text.
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child != null).map((child) => (child instanceof Node ? child : safe(child))));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.classList.add("icon");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

export const severity = (name) => el("span", { class: `sev ${SEVERITIES.includes(name) ? name : "info"}` }, name);
export const address = (text) => safe(text).replace(/^::ffff:(?=\d+\.)/, "");
export const time = (text) => String(text ?? "").slice(0, 19).replace("T", " ");
// The same as an element, whole or a part of it: on hover it says what it is where the reader sits.
export const moment = (text, from = 0, to = 19) => el("time", { datetime: `${time(text).replace(" ", "T")}Z` }, time(text).slice(from, to));
export const number = (value) => Math.round(value).toLocaleString("en").replaceAll(",", "\u2009");
export const AUTOMATIC = { "X-Automatic": "1" };
export const csrf = () => one('meta[name="csrf"]')?.content ?? "";

// An answer of the API, read. What it refuses comes as an Error with the sentence it gave and its status.
// `exact`: numbers that JavaScript would round, as ids of flows, are texts. `automatic`: nobody did anything for it, so it
// keeps no session from ending.
export async function api(path, { method = "GET", body, signal, exact = false, automatic = false } = {}) {
  const headers = { Accept: "application/json", ...(automatic ? AUTOMATIC : {}) };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.status === 401 && !location.pathname.startsWith("/login")) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const text = await answer.text();
  let told;
  try { told = text ? JSON.parse(text, exact ? unrounded : undefined) : null; } catch { told = { detail: text.slice(0, 300) }; }
  if (!answer.ok) throw Object.assign(new Error(sentence(told, answer.status)), { status: answer.status, told });
  return told;
}

const unrounded = (_, value, { source } = {}) => (typeof value === "number" && source && Number.isInteger(value) && !Number.isSafeInteger(value) ? source : value);

function sentence(told, status) {
  const detail = told?.detail;
  if (Array.isArray(detail)) return detail.map((each) => `${(each.loc ?? []).at(-1) ?? ""}: ${each.msg}`).join("; ");
  return detail || `the server answered ${status}`;
}

export function query(values) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== "" && each != null) found.append(name, each);
  }
  const text = found.toString();
  return text ? `?${text}` : "";
}

export function toast(text, kind = "") {
  const box = one("#toasts");
  if (!box) return;
  const made = el("div", { class: `toast ${kind}` }, ...(Array.isArray(text) ? text : [text]));
  box.append(made);
  while (box.children.length > 4) box.firstChild.remove();
  setTimeout(() => made.remove(), kind === "bad" ? 12000 : 6000);
}

export const complain = (error) => { if (error.name !== "AbortError") toast(error.message, "bad"); };

export function later(wait, act) {
  let timer;
  return (...values) => { clearTimeout(timer); timer = setTimeout(() => act(...values), wait); };
}

// A group of buttons of which one is pressed.
export function choice(group, changed) {
  const buttons = all("button", group);
  const press = (value) => buttons.forEach((each) => each.setAttribute("aria-pressed", String(each.value === value)));
  buttons.forEach((each) => each.addEventListener("click", () => { press(each.value); changed(each.value); }));
  return { press, get value() { return buttons.find((each) => each.getAttribute("aria-pressed") === "true")?.value ?? ""; } };
}

// The page's filters live in its address, so that a link or a reload shows the same.
export const stated = () => Object.fromEntries([...new URLSearchParams(location.search)].filter(([name]) => name !== "wall"));
export function state(values) { history.replaceState(null, "", location.pathname + query(values)); }
