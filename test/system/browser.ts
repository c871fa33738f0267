/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { existsSync } from 'node:fs';
import { type Browser, launch, type Page } from 'puppeteer-core';

const USUAL_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Starts the browser of this machine, without a window. */
export async function openBrowser(): Promise<Browser> {
  const { CHROMIUM_PATH } = process.env;
  const executablePath = CHROMIUM_PATH ?? USUAL_PATHS.find(existsSync);
  if (!executablePath) {
    throw new Error(`No browser at ${USUAL_PATHS.join(', ')}: apt install chromium, or set CHROMIUM_PATH to yours`);
  }
  // Its own sandbox needs rights that containers and root have not; it sees only pages of this machine.
  return launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** What a page shows to people, in the element of that selector. */
export async function shownText(page: Page, selector: string): Promise<string> {
  return page.$eval(selector, (element) => {
    // Of an element that is hidden as a whole, a closed dialog say, innerText is the text that would be shown.
    if (!element.checkVisibility()) return '';
    // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not shown
    return (element as HTMLElement).innerText.replace(/\s+/g, ' ').trim();
  });
}

/** Waits until an element shows that text, or says what it shows instead. */
export async function untilShown(page: Page, selector: string, text: string, patienceMs = 20_000): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const shown = await shownText(page, selector).catch(() => '(nothing)');
    if (shown.includes(text)) return;
    if (Date.now() > deadline) throw new Error(`${selector} never showed "${text}", only "${shown}"`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The widget with that title: the selector of its body. */
export async function widgetTitled(page: Page, title: string): Promise<string> {
  const id = await page.$$eval(
    '.card',
    (cards, wanted) => cards.find((card) => card.firstElementChild?.textContent === wanted)?.lastElementChild?.id,
    title,
  );
  if (!id) throw new Error(`There is no widget "${title}"`);
  return `#${id}`;
}
