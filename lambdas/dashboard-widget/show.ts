import { type Html, html } from '../shared/html.ts';
import { textOf, type WidgetEvent } from '../shared/widget-event.ts';
import { widgetPage } from '../shared/widget-page.ts';
import { callers } from './callers.ts';
import { deadLetters } from './dead-letters.ts';
import type { WIDGETS } from './env.ts';
import { events } from './events.ts';
import { foot, runbook, utc } from './parts.ts';
import { preview } from './preview.ts';
import { staleJobs } from './stale-jobs.ts';
import type { Frame, Sources, View } from './view.ts';

const VIEWS: Readonly<Record<(typeof WIDGETS)[number] | 'preview', View<never>>> = {
  'stale-jobs': staleJobs as View<never>,
  'dead-letters': deadLetters as View<never>,
  callers: callers as View<never>,
  events: events as View<never>,
  preview: preview as View<never>,
};

/** The documentation that CloudWatch shows to those who add the widget. */
export function describe(): string {
  const views = Object.entries(VIEWS).map(([name, { about }]) => `* \`view: ${name}\`: ${about}`);
  return `## Queuekeeper\n\nTables that only read.\n\n### Parameters\n\n${views.join('\n')}\n\n### Example\n\n\`\`\` yaml\nview: stale-jobs\n\`\`\`\n`;
}

/** The HTML of the view that the event names. A view that cannot be shown says so, and what to do; it never throws. */
export async function show(sources: Sources, frame: Frame, warn: (text: string) => void): Promise<string> {
  const { event, now } = frame;
  const name = textOf(event.params['view']);
  const view = Object.hasOwn(VIEWS, name) ? VIEWS[name as keyof typeof VIEWS] : undefined;
  if (!view) {
    const wanted = Object.keys(VIEWS).join(', ');
    return widgetPage(
      event.theme,
      html`<p class="qk-bad" role="alert">The view is “${name}”, wanted one of: ${wanted}.</p>`,
    );
  }
  return widgetPage(event.theme, await body(view, { sources, frame, warn }), foot(html`As of ${utc(now)}.`));
}

type Context = { sources: Sources; frame: Frame; warn: (text: string) => void };

async function body(view: View<never>, { sources, frame, warn }: Context): Promise<Html> {
  try {
    return view.render(await view.fetch(sources, frame.event as WidgetEvent), frame);
  } catch (error) {
    const { message } = error as Error;
    warn(`${view.title}: ${message}`);
    return cannotShow(view, message, frame);
  }
}

/** The queue and its messages are in SQS, so that a database that is down loses nothing. */
function cannotShow(view: View<never>, message: string, frame: Frame): Html {
  return html`<p role="alert"><strong class="qk-bad">${view.title}: not known now, for the database did not tell.</strong></p>
    <p>${message}</p>
    <p>Nothing is lost meanwhile: messages wait in SQS, and what is stale is recovered when it is back. Look at the project in
    the Supabase dashboard (paused, or out of connections?), and at ${runbook(frame, 'database-down')}.</p>`;
}
