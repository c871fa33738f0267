/** What a message says of a CloudWatch alarm's change of state. All but the name and the state may be missing. */
export type Alarm = {
  name: string;
  state: string;
  previousState?: string;
  /** The plain words of the description: what is wrong. */
  description?: string;
  runbookUrl?: string;
  reason?: string;
  /** The newest value of the metric, as CloudWatch gives it in the reason. */
  value?: number;
  /** When that value alarms: "above 0". */
  condition?: string;
  metric?: string;
  changedAt?: Date;
  region?: string;
  account?: string;
  consoleUrl?: string;
};

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads the message that CloudWatch publishes to SNS; `undefined` when it is not one.
 * Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions.html
 */
export function parseAlarm(message: string): Alarm | undefined {
  const json = parseObject(message);
  const name = json && text(json['AlarmName']);
  const state = json && text(json['NewStateValue']);
  if (!json || !name || !state) return undefined;
  const trigger = isObject(json['Trigger']) ? json['Trigger'] : {};
  const reason = text(json['NewStateReason']);
  return {
    name,
    state,
    previousState: text(json['OldStateValue']),
    ...describe(text(json['AlarmDescription'])),
    reason,
    value: newestValue(reason),
    condition: condition(trigger),
    metric: text(trigger['MetricName']),
    changedAt: date(text(json['StateChangeTime'])),
    region: text(json['Region']),
    account: text(json['AWSAccountId']),
    consoleUrl: consoleUrl(text(json['AlarmArn'])),
  };
}

/** Our alarms' descriptions are plain words and then a line `Runbook: <url>`. */
function describe(description = ''): Pick<Alarm, 'description' | 'runbookUrl'> {
  const runbook = /^\s*Runbook:\s*(https?:\/\/\S+)\s*$/im.exec(description);
  const words = description.replace(runbook?.[0] ?? '', '').trim();
  return { description: words || undefined, runbookUrl: runbook?.[1] };
}

/** From "Threshold Crossed: 1 datapoint [3.0 (24/11/26 15:00:00)] was greater than …". */
function newestValue(reason = ''): number | undefined {
  const value = /\[(-?\d[\d.]*(?:E-?\d+)?) \(/i.exec(reason)?.[1];
  return value === undefined ? undefined : Number(value);
}

const COMPARISONS: Readonly<Record<string, string>> = {
  GreaterThanThreshold: 'above',
  GreaterThanOrEqualToThreshold: 'at or above',
  LessThanThreshold: 'below',
  LessThanOrEqualToThreshold: 'at or below',
};

function condition(trigger: Json): string | undefined {
  const comparison = COMPARISONS[text(trigger['ComparisonOperator']) ?? ''];
  const threshold = trigger['Threshold'];
  return comparison && typeof threshold === 'number' ? `${comparison} ${threshold}` : undefined;
}

/** Each partition has its own console. Source: https://docs.aws.amazon.com/general/latest/gr/rande.html */
const CONSOLES: Readonly<Record<string, string>> = {
  aws: 'console.aws.amazon.com',
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
};

function consoleUrl(arn = ''): string | undefined {
  const [, partition = '', region = '', name = ''] =
    /^arn:([\w-]+):cloudwatch:([\w-]+):\d*:alarm:(.+)$/.exec(arn) ?? [];
  const console = CONSOLES[partition];
  if (!console) return undefined;
  return `https://${region}.${console}/cloudwatch/home?region=${region}#alarmsV2:alarm/${encodeURIComponent(name.toWellFormed())}`;
}

/** CloudWatch writes the offset as +0000, which only some parsers take. */
function date(value = ''): Date | undefined {
  const parsed = new Date(value.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return Number.isNaN(parsed.getTime()) ? undefined : parsed;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

function parseObject(message: string): Json | undefined {
  try {
    const json: unknown = JSON.parse(message);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
