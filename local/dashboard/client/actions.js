// What CloudWatch does with cwdb-action: the element before it becomes a button that calls a function.
import { callFunction } from './call.js';
import { ask, tell } from './dialog.js';

const announcements = /** @type {HTMLElement} */ (document.getElementById('announcements'));

/**
 * Real buttons instead of links without an address, so that a keyboard reaches them.
 * @param {HTMLElement} widget @param {() => Promise<void>} refresh
 */
export function wireActions(widget, refresh) {
  for (const action of widget.querySelectorAll('cwdb-action')) {
    const link = action.previousElementSibling;
    if (!(link instanceof HTMLElement)) continue;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = link.className;
    button.textContent = link.textContent;
    button.setAttribute('aria-label', link.getAttribute('aria-label') ?? '');
    button.addEventListener('click', () => press(button, action, widget, refresh));
    link.replaceWith(button);
  }
}

/** @param {HTMLButtonElement} button @param {Element} action @param {HTMLElement} widget @param {() => Promise<void>} refresh */
async function press(button, action, widget, refresh) {
  const label = button.textContent ?? '';
  const question = action.getAttribute('confirmation');
  if (question && !(await ask(question, label))) return;
  button.setAttribute('aria-busy', 'true');
  announcements.textContent = `${label} …`;
  const html = await callFunction(action.getAttribute('endpoint') ?? '', JSON.parse(action.textContent ?? ''), widget);
  button.removeAttribute('aria-busy');
  const name = button.getAttribute('aria-label') ?? '';
  const told = tell(label, html);
  announcements.textContent = document.getElementById('dialog-body')?.textContent?.replace(/\s+/g, ' ') ?? '';
  await told;
  await refresh();
  returnFocus(widget, name);
}

/** To the button that was pressed, or, where its row is gone, to its table. @param {HTMLElement} widget @param {string} name */
function returnFocus(widget, name) {
  // Who is somewhere else by now, typing perhaps, stays there.
  if (document.activeElement !== document.body) return;
  const again = [...widget.querySelectorAll('button')].find((one) => one.getAttribute('aria-label') === name);
  (again ?? widget).focus();
}
