/**
 * What a stack costs per month by AWS's list prices, from the synthesized template: the tables of docs/deployment.md.
 *
 *   npm run synth && npm run bench -- monthly-cost [cdk.out/Queuekeeper.template.json]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** us-east-1, in dollars, without any free tier. Written down from memory in November 2026: check AWS's price pages. */
const PRICE = {
  alarmMetric: 0.1,
  compositeAlarm: 0.5,
  customMetric: 0.3,
  dashboard: 3,
  logGB: 0.5,
  kmsKey: 1,
  lambdaRequest: 0.2 / 1e6,
  lambdaGBSecond: 0.0000133334, // arm64
  sqsRequest: 0.4 / 1e6,
  apiRequest: 3.5 / 1e6, // REST
  transferGB: 0.09,
};
const MINUTES = 30 * 24 * 60;
/** Assumed; the rest is counted. */
const ASSUMED = {
  runSeconds: 0.5,
  runLogKB: 2.3,
  runSqsRequests: 4,
  jobMinutes: 5,
  requestSeconds: 0.05,
  requestLogKB: 1.3,
  answerKB: 1.5,
};

type Resource = { readonly Type: string; readonly Properties?: Record<string, unknown> };
type Line = readonly [what: string, arithmetic: string, dollars: number];

const file = process.argv[2] ?? 'cdk.out/Queuekeeper.template.json';
const resources: Resource[] = Object.values(JSON.parse(readFileSync(file, 'utf8')).Resources);
const count = (type: string) => resources.filter(({ Type }) => Type === type).length;

/** An alarm costs as much as it watches metrics. */
function alarmMetrics(): number {
  const alarms = resources.filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
  const metricsOf = ({ Properties: { Metrics } = {} }: Resource) =>
    Array.isArray(Metrics) ? Metrics.filter((metric) => 'MetricStat' in metric).length : 1;
  return alarms.reduce((total, alarm) => total + metricsOf(alarm), 0);
}

/** Every function names its metrics in METRICS; each is one custom metric, for its only dimensions are service and stage. */
async function customMetrics(): Promise<number> {
  const lambdas = join(import.meta.dirname, '..', 'lambdas');
  let total = 0;
  for (const name of readdirSync(lambdas)) {
    if (name === 'shared') continue;
    const { METRICS = {} } = await import(join(lambdas, name, 'env.ts'));
    total += Object.keys(METRICS).length;
  }
  return total;
}

function scheduledRuns(): number {
  const minutesOf = (expression: string) => {
    const [, amount, unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(expression) ?? [];
    if (!amount) throw new Error(`the schedule is ${expression}, wanted rate(… minutes) or rate(… hours)`);
    return Number(amount) * (unit === 'hour' ? 60 : 1);
  };
  return resources
    .filter(({ Type }) => Type === 'AWS::Events::Rule')
    .reduce((runs, { Properties = {} }) => runs + MINUTES / minutesOf(String(Properties['ScheduleExpression'])), 0);
}

function lambda(requests: number, memoryGB: number, seconds: number): number {
  return requests * (PRICE.lambdaRequest + memoryGB * seconds * PRICE.lambdaGBSecond);
}

function fixedLines(metrics: number): Line[] {
  const runs = scheduledRuns();
  const logGB = (runs * ASSUMED.runLogKB) / 1e6;
  const times = (what: string, amount: number, price: number): Line => [
    what,
    `${amount} × $${price.toFixed(2)}`,
    amount * price,
  ];
  return [
    times('metrics that alarms watch', alarmMetrics(), PRICE.alarmMetric),
    times('composite alarms', count('AWS::CloudWatch::CompositeAlarm'), PRICE.compositeAlarm),
    times('custom metrics, at most', metrics, PRICE.customMetric),
    times('dashboards', count('AWS::CloudWatch::Dashboard'), PRICE.dashboard),
    times('KMS keys', count('AWS::KMS::Key'), PRICE.kmsKey),
    [
      `${thousands(runs)} scheduled runs`,
      `${ASSUMED.runSeconds} s of 256 MB each`,
      lambda(runs, 0.25, ASSUMED.runSeconds),
    ],
    ['their logs', `${logGB.toFixed(2)} GB × $${PRICE.logGB.toFixed(2)}`, logGB * PRICE.logGB],
    [
      'their SQS requests, at most',
      `${ASSUMED.runSqsRequests} a run`,
      runs * ASSUMED.runSqsRequests * PRICE.sqsRequest,
    ],
  ];
}

function jobLine(perDay: number): Line {
  const requests = perDay * 30 * (3 + ASSUMED.jobMinutes);
  const arithmetic = `${thousands(perDay * 30)} × (send, receive, delete and ${ASSUMED.jobMinutes} beats) × $0.40 per million`;
  return [`${thousands(perDay)} a day`, arithmetic, requests * PRICE.sqsRequest];
}

function apiLines(perSecond: number): Line[] {
  const requests = perSecond * MINUTES * 60;
  const logGB = (requests * ASSUMED.requestLogKB) / 1e6;
  const outGB = (requests * ASSUMED.answerKB) / 1e6;
  const millions = (requests / 1e6).toFixed(3);
  return [
    ['API Gateway', `${millions} million × $3.50`, requests * PRICE.apiRequest],
    ['Lambda', `each ${ASSUMED.requestSeconds * 1000} ms of 512 MB`, lambda(requests, 0.5, ASSUMED.requestSeconds)],
    ['logs', `${logGB.toFixed(1)} GB × $0.50`, logGB * PRICE.logGB],
    ['answers', `${outGB.toFixed(1)} GB × $0.09`, outGB * PRICE.transferGB],
  ];
}

function print(title: string, lines: readonly Line[], withTotal = true): void {
  console.log(`\n| ${title} | | $ per month |\n|---|---|---:|`);
  for (const [what, arithmetic, dollars] of lines) console.log(`| ${what} | ${arithmetic} | ${dollars.toFixed(2)} |`);
  const total = lines.reduce((sum, [, , dollars]) => sum + dollars, 0);
  if (withTotal) console.log(`| **total** | | **${total.toFixed(2)}** |`);
}

const thousands = (value: number) => value.toLocaleString('en-US');

print('Whatever the load', fixedLines(await customMetrics()));
print('Jobs', [1, 100, 10_000].map(jobLine), false);
print('API, 1 request a second', apiLines(1));
print('API, 100 requests a second', apiLines(100));
