// Calls a function as CloudWatch calls a custom widget's.

const dark = matchMedia('(prefers-color-scheme: dark)');

export const rangeMs = () =>
  Number(/** @type {HTMLInputElement} */ (document.querySelector('[name=range]:checked')).value) * 60_000;

/**
 * @param {string} endpoint @param {object} params @param {HTMLElement} widget the body of the widget that calls
 * @returns {Promise<string>} the answer's HTML, or that there is none
 */
export async function callFunction(endpoint, params, widget) {
  const event = { ...params, widgetContext: contextOf(widget, params) };
  const answer = await fetch('/dashboard/call', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ endpoint, event }),
  }).catch(() => undefined);
  if (answer?.ok) return answer.text();
  const failed = document.createElement('p');
  failed.className = 'failed';
  failed.setAttribute('role', 'alert');
  failed.textContent = answer ? `It did not work: ${await answer.text()}` : 'The local system does not answer.';
  return failed.outerHTML;
}

/** @param {HTMLElement} widget @param {object} params */
function contextOf(widget, params) {
  const now = Date.now();
  const inputs = /** @type {HTMLInputElement[]} */ ([...widget.querySelectorAll('input[name]')]);
  return {
    dashboardName: document.body.dataset.dashboard,
    widgetId: widget.id,
    accountId: document.body.dataset.account,
    locale: 'en',
    timezone: { label: 'UTC', offsetISO: '+00:00', offsetInMinutes: 0 },
    period: 300,
    isAutoPeriod: true,
    timeRange: { mode: 'relative', start: now - rangeMs(), end: now, relativeStart: rangeMs() },
    theme: dark.matches ? 'dark' : 'light',
    linkCharts: true,
    title: widget.previousElementSibling?.textContent ?? '',
    forms: { all: Object.fromEntries(inputs.map(({ name, value }) => [name, value])) },
    params,
    width: widget.clientWidth,
    height: widget.clientHeight,
  };
}

/** @param {() => void} refresh */
export function onThemeChange(refresh) {
  dark.addEventListener('change', refresh);
}
