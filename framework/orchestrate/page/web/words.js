"use strict";
// Small pieces: elements, and numbers as people read them. Texts from results become text nodes,
// never HTML.

// make("td", {class: "number"}, "0.93"): an element with attributes; listeners as onclick: f.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on"))
      element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false)
      element.setAttribute(key, value === true ? "" : value);
  }
  element.append(
      ...children.map((child) => (child instanceof Node ? child : document.createTextNode(child))));
  return element;
}

const byId = (id) => document.getElementById(id);

// NaN and infinities come as texts.
function numberOf(value) {
  if (typeof value === "number") return value;
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  return null;
}

// What a plot can show.
function finite(value) {
  const number = numberOf(value);
  return number !== null && Number.isFinite(number) ? number : null;
}

function words(value, digits = 4) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "object") return JSON.stringify(value);
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const short = Number(value.toPrecision(digits));
  const size = Math.abs(short);
  return size >= 1e6 || size < 1e-4 ? short.toExponential() : String(short);
}

// With as many decimals as its neighbours.
function fixed(value, decimals) {
  const number = numberOf(value);
  if (number === null) return "–";
  return Number.isFinite(number) ? number.toFixed(decimals) : String(number);
}

// Decimals that show two digits of the smallest spread, and at least three of the largest number.
function decimalsFor(means, spreads) {
  let decimals = 0;
  const show = (number, digits) => {
    if (!number || !Number.isFinite(number)) return;
    decimals = Math.max(decimals, digits - 1 - Math.floor(Math.log10(Math.abs(number))));
  };
  means.forEach((mean) => show(mean, 3));
  spreads.forEach((spread) => show(spread, 2));
  return Math.min(decimals, 6);
}

function duration(seconds) {
  if (finite(seconds) === null) return "–";
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const two = (n) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h ${two(Math.floor(whole / 60) % 60)}m`;
  return `${Math.floor(whole / 86400)}d ${two(Math.floor(whole / 3600) % 24)}h`;
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; ++unit) count /= 1000;
  return `${words(count, 3)} ${units[unit]}`;
}

// "1.35M"
const kCompact = new Intl.NumberFormat("en", {notation: "compact", maximumSignificantDigits: 3});

function costWords(name, value) {
  if (finite(value) === null) return "–";
  if (name.endsWith("seconds")) return duration(value);
  if (name.endsWith("bytes")) return bytes(value);
  return Math.abs(value) >= 10000 ? kCompact.format(value) : words(value, 3);
}

const time = (milliseconds) => milliseconds ?
    new Date(milliseconds).toISOString().replace("T", " ").slice(0, 19) + " UTC" :
    "–";

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

// Plotly takes some HTML in its texts: what looks like it is shown as it is.
const plain = (text) =>
    String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const shortened = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);
