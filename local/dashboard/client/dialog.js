// The one dialog of the page: a question before an action, and its answer after it. The browser itself keeps the focus
// inside and closes it with Escape.

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('dialog'));
const title = /** @type {HTMLElement} */ (document.getElementById('dialog-title'));
const body = /** @type {HTMLElement} */ (document.getElementById('dialog-body'));
const buttons = /** @type {HTMLElement} */ (dialog.querySelector('.dialog-buttons'));

export const isDialogOpen = () => dialog.open;

/** @param {string} question @param {string} label of the button that says yes */
export async function ask(question, label) {
  title.textContent = label;
  body.textContent = question;
  return (await open([button('Cancel', 'no', false), button(label, 'yes', true)])) === 'yes';
}

/** @param {string} heading @param {string} html as the function answered it; what runs in it is for the page's policy */
export async function tell(heading, html) {
  title.textContent = heading;
  body.innerHTML = html;
  await open([button('Close', 'no', true)]);
}

/** @param {HTMLButtonElement[]} choices @returns {Promise<string>} */
function open(choices) {
  buttons.replaceChildren(...choices);
  dialog.returnValue = 'no';
  dialog.showModal();
  choices.at(-1)?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true });
  });
}

/** @param {string} label @param {string} value @param {boolean} isPrimary */
function button(label, value, isPrimary) {
  const made = document.createElement('button');
  made.value = value;
  made.textContent = label;
  made.className = isPrimary ? 'btn btn-primary' : 'btn';
  return made;
}
