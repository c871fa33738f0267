// Fills the page and keeps it fresh. A part is replaced only where it has changed, and never under someone's hands.
import { wireActions } from './actions.js';
import { callFunction, onThemeChange, rangeMs } from './call.js';
import { isDialogOpen } from './dialog.js';

const REFRESH_MS = 5_000;
const freshness = /** @type {HTMLElement} */ (document.getElementById('freshness'));
const announcements = /** @type {HTMLElement} */ (document.getElementById('announcements'));
const main = /** @type {HTMLElement} */ (document.querySelector('main'));
/** @type {Map<string, string>} what each part shows */
const shown = new Map();
let alarms = 0;
/** @type {Promise<void> | undefined} */
let refreshing;

/** One at a time; who asks meanwhile gets the next one. */
async function refresh() {
  await refreshing;
  refreshing = Promise.all([refreshCards(), refreshTables()]).then(() => {
    refreshing = undefined;
  });
  await refreshing;
}

async function refreshCards() {
  const query = new URLSearchParams({ range: String(rangeMs()), width: String(main.clientWidth) });
  const answer = await fetch(`/dashboard/cards?${query}`).catch(() => undefined);
  if (!answer?.ok) {
    freshness.textContent = 'The local system does not answer';
    freshness.className = 'bad';
    return;
  }
  for (const { id, html } of await answer.json()) show(id, html);
  freshness.textContent = `As of ${new Date().toLocaleTimeString('en-GB')}`;
  freshness.className = 'quiet';
  announceAlarms();
}

async function refreshTables() {
  const tables = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[data-endpoint]')]);
  await Promise.all(
    tables.map(async ({ dataset, lastElementChild }) => {
      const body = /** @type {HTMLElement} */ (lastElementChild);
      const html = await callFunction(dataset.endpoint ?? '', JSON.parse(dataset.params ?? '{}'), body);
      if (show(body.id, html)) wireActions(body, refresh);
    }),
  );
}

/** @param {string} id @param {string} html @returns {boolean} whether it was replaced */
function show(id, html) {
  const body = document.getElementById(id);
  const isInUse = body?.querySelector('input:focus');
  if (!body || isInUse || shown.get(id) === html) return false;
  const focused = body.contains(document.activeElement)
    ? document.activeElement?.getAttribute('aria-label')
    : undefined;
  shown.set(id, html);
  // What was typed since this was asked for is newer than what it brings.
  const typed = [...body.querySelectorAll('input')].map(({ name, value }) => ({ name, value }));
  body.innerHTML = html;
  for (const input of body.querySelectorAll('input')) {
    input.value = typed.find(({ name }) => name === input.name)?.value ?? input.value;
  }
  body.removeAttribute('aria-busy');
  // Its buttons come in the same turn, before anything else can happen.
  if (focused) queueMicrotask(() => buttonNamed(body, focused)?.focus());
  return true;
}

/** @param {HTMLElement} body @param {string} name @returns {HTMLElement | undefined} */
function buttonNamed(body, name) {
  return [...body.querySelectorAll('button')].find((one) => one.getAttribute('aria-label') === name);
}

function announceAlarms() {
  const now = Number(document.querySelector('[data-alarms]')?.getAttribute('data-alarms') ?? 0);
  if (now !== alarms) announcements.textContent = now > 0 ? `${now} alarm${now === 1 ? '' : 's'}` : 'No alarm any more';
  alarms = now;
}

for (const input of document.querySelectorAll('[name=range]')) input.addEventListener('change', refresh);
onThemeChange(refresh);
let resizing = 0;
addEventListener('resize', () => {
  clearTimeout(resizing);
  resizing = setTimeout(refresh, 200);
});
setInterval(() => {
  if (!document.hidden && !isDialogOpen() && !refreshing) refresh();
}, REFRESH_MS);
refresh();
