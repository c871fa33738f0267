import { firstApiKey } from './facts.ts';
import { shortNameOf } from './functions.ts';
import type { LocalSystem } from './system.ts';
import { REGION } from './template-scope.ts';

type Row = readonly [label: string, value: string];

/** Rows whose address shows a page in a browser. */
const PAGES = ['Dashboard', 'Health', 'Slack', 'Alarms'];

/** What someone needs to try the system: addresses, keys, and what runs when. */
export function systemRows(system: LocalSystem): Row[] {
  const apiKey = firstApiKey(system);
  const schedules = system.plan.schedules.map(
    ({ functionName, expression }): Row => [shortNameOf(functionName), `soon, then ${expression}`],
  );
  return [
    ['Dashboard', `${system.apiUrl}/`],
    ['API', system.apiUrl],
    ['Health', `${system.apiUrl}/api/health`],
    ...(apiKey ? queueRows(system.apiUrl, apiKey) : []),
    ['Slack', `${system.apiUrl}/slack`],
    ['Alarms', `${system.apiUrl}/alarms`],
    ['Supabase URL', system.supabaseUrl],
    ['Secret key', system.serviceKey],
    ['Publishable key', system.anonKey],
    ['Database', system.databaseUrl],
    ['SQS endpoint', system.sqsEndpoint],
    ['Job queue', system.queueUrl],
    ['Dead letters', system.dlqUrl],
    ...schedules,
  ];
}

function queueRows(apiUrl: string, apiKey: string): Row[] {
  return [
    ['API key', apiKey],
    ['Jobs of acme', `curl -H 'x-api-key: ${apiKey}' ${apiUrl}/api/queue/acme`],
    ['', '404 until acme has a job'],
  ];
}

/** What examples/python-worker needs, and any other worker on an AWS SDK. */
export function workerExports({ supabaseUrl, serviceKey, queueUrl, sqsEndpoint }: LocalSystem): string {
  return [
    `export SUPABASE_URL=${supabaseUrl} SUPABASE_SERVICE_KEY=${serviceKey}`,
    `export SQS_QUEUE_URL=${queueUrl} AWS_ENDPOINT_URL_SQS=${sqsEndpoint}`,
    `export AWS_DEFAULT_REGION=${REGION} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local`,
  ].join('\n');
}

export function textTable(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`).join('\n');
}

export function htmlTable(rows: readonly Row[]): string {
  const cells = rows.map(([label, value]) => {
    const shown = `<code>${asText(value)}</code>`;
    const content = PAGES.includes(label) ? `<a href="${asText(value)}">${shown}</a>` : shown;
    return `<tr><th>${asText(label)}</th><td>${content}</td></tr>`;
  });
  return `<!doctype html><meta charset="utf-8"><title>Queuekeeper, local</title>
<style>body{font:16px/1.6 system-ui;margin:3rem;color-scheme:light dark}th{text-align:left;vertical-align:top;white-space:nowrap;padding-right:2rem}td{overflow-wrap:anywhere}</style>
<h1>Queuekeeper, on this machine</h1><table>${cells.join('')}</table>`;
}

function asText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
