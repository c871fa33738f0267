import type { Button, KnownBlock, TextObject } from '@slack/types';
import type { SlackMessage } from '../lambdas/shared/slack-message.ts';
import { clock, escapeHtml, mrkdwnHtml } from './slack-html.ts';
import { SLACK_STYLE } from './slack-style.ts';

export type ReceivedMessage = { at: Date; payload: Partial<SlackMessage> };

/** The channel as a person sees it, oldest message first. Everything is escaped; the one script is inline. */
export function slackPage(messages: readonly ReceivedMessage[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${messages.length > 0 ? `(${messages.length}) ` : ''}#job-alerts</title>
<style>${SLACK_STYLE}</style>
<noscript><meta http-equiv="refresh" content="3"></noscript>
</head>
<body>
<aside><h1>Local</h1><p>Channels</p><ul><li># general</li><li class="here"># job-alerts</li></ul><p>Apps</p><ul><li>Queuekeeper</li></ul></aside>
<main>
<header><h2># job-alerts</h2><span>What Slack would show. Nothing here leaves this machine. Its commands work after the export lines that npm run local printed.</span></header>
<section class="channel">
${messages.length > 0 ? messagesHtml(messages) : '<p class="empty">No message yet. The page looks for new ones by itself.</p>'}
</section>
</main>
<script>${refreshScript(messages.length)}</script>
</body>
</html>
`;
}

function messagesHtml(messages: readonly ReceivedMessage[]): string {
  return messages
    .map((message, index) => `${dayHtml(message.at, messages[index - 1]?.at)}${messageHtml(message)}`)
    .join('\n');
}

/** The line with the day above the first message of each day. */
function dayHtml(at: Date, previous: Date | undefined): string {
  if (previous?.toDateString() === at.toDateString()) return '';
  const day = at.toLocaleDateString('en-US', { weekday: 'long', month: 'long', day: 'numeric' });
  return `<div class="day"><span>${escapeHtml(day)}</span></div>\n`;
}

function messageHtml({ at, payload }: ReceivedMessage): string {
  const body = payload.blocks?.map(blockHtml).join('\n') ?? `<p>${mrkdwnHtml(payload.text ?? '')}</p>`;
  return `<article>
<div class="avatar" aria-hidden="true"><svg viewBox="0 0 36 36"><rect width="36" height="36" rx="8" fill="#1264a3"/><path d="M9 12h18M9 18h18M9 24h11" stroke="#fff" stroke-width="3" stroke-linecap="round"/><circle cx="26" cy="24" r="3" fill="#2eb67d"/></svg></div>
<div class="message">
<div class="who"><b>Queuekeeper</b><span class="app">APP</span><time datetime="${at.toISOString()}">${clock(at)}</time></div>
${body}
</div>
</article>`;
}

function blockHtml(block: KnownBlock): string {
  switch (block.type) {
    case 'header':
      return `<h3>${textHtml(block.text)}</h3>`;
    case 'section':
      return `<div class="section">${sectionHtml(block)}</div>`;
    case 'context':
      return `<div class="context">${block.elements.map((element) => ('text' in element ? textHtml(element) : '')).join('')}</div>`;
    case 'divider':
      return '<hr>';
    case 'actions':
      return `<div class="actions">${block.elements.map((element) => (element.type === 'button' ? buttonHtml(element) : '')).join('')}</div>`;
    default:
      return '';
  }
}

function sectionHtml({ text, fields, accessory }: Extract<KnownBlock, { type: 'section' }>): string {
  const textPart = text ? `<div>${textHtml(text)}</div>` : '';
  const fieldsPart = fields
    ? `<div class="fields">${fields.map((field) => `<div>${textHtml(field)}</div>`).join('')}</div>`
    : '';
  return `${textPart}${fieldsPart}${accessory?.type === 'button' ? buttonHtml(accessory) : ''}`;
}

function textHtml(text: TextObject): string {
  return text.type === 'mrkdwn' ? mrkdwnHtml(text.text) : escapeHtml(text.text);
}

function buttonHtml({ text, url, style }: Button): string {
  const isWebPage = /^https?:/i.test(url ?? '');
  const label = escapeHtml(text.text);
  return isWebPage
    ? `<a class="button ${escapeHtml(style ?? '')}" href="${escapeHtml(url ?? '')}" rel="noreferrer">${label}</a>`
    : `<span class="button ${escapeHtml(style ?? '')}">${label}</span>`;
}

/** Looks every two seconds and loads the page again only when a message came, so that reading is not disturbed. */
function refreshScript(shown: number): string {
  return `
const channel = document.querySelector('.channel');
channel.scrollTop = channel.scrollHeight;
setInterval(async () => {
  const answer = await fetch('/slack/messages').catch(() => undefined);
  if (answer?.ok && (await answer.json()).length !== ${shown}) location.reload();
}, 2000);
`;
}
