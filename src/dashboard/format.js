// Numbers and times for people.

import { locale, t } from "./i18n.js";

const kPrefixes = ["", "k", "M", "G", "T", "P"];

export function grouped(number) {
  return number === null || number === undefined ? "–" : new Intl.NumberFormat(locale()).format(number);
}

// Three digits that count: 1.23 k, 45.6 M.
export function short(number, unit = "") {
  if (number === null || number === undefined) return "–";
  let power = 0;
  let value = number;
  while (Math.abs(value) >= 999.5 && power < kPrefixes.length - 1) {
    value /= 1000;
    ++power;
  }
  const digits = power === 0 && Number.isInteger(value) ? 0 : Math.abs(value) < 9.995 ? 2 : Math.abs(value) < 99.95 ? 1 : 0;
  const suffix = kPrefixes[power] + unit;
  return value.toFixed(digits) + (suffix ? `\u202f${suffix}` : "");
}

export function rate(number) {
  return number === null || number === undefined ? "–" : `${short(number)}/s`;
}

export function percent(share) {
  if (share === null || share === undefined || !Number.isFinite(share)) return "–";
  const value = share * 100;
  return `${value.toFixed(value > 0 && value < 9.95 ? 1 : 0)}\u202f%`;
}

const two = (number) => String(number).padStart(2, "0");

// In the reader's own time, with its distance to UTC.
export function time(text) {
  if (!text) return "–";
  const at = new Date(text);
  const minutes = -at.getTimezoneOffset();
  const zone = minutes === 0 ? "UTC"
    : `${minutes < 0 ? "−" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(at)} ${zone}`;
}

export function clock(at) {
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

// "3 d 4 h", the two largest units.
export function age(text) {
  let seconds = Math.max(0, Math.round((Date.now() - new Date(text).getTime()) / 1000));
  const parts = [];
  for (const [size, unit] of [[86400, t("days")], [3600, t("hours")], [60, t("minutes")], [1, t("seconds")]]) {
    if (seconds >= size || (size === 1 && parts.length === 0)) parts.push(`${Math.floor(seconds / size)}\u202f${unit}`);
    seconds %= size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}
