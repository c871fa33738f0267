import type { AlarmState } from './alarm-plan.ts';

/** Whether the rule of a composite alarm holds, given the states of the alarms that it names. */
export type AlarmRule = (stateOf: (alarmNameOrArn: string) => AlarmState) => boolean;

const STATES: readonly string[] = ['ALARM', 'OK', 'INSUFFICIENT_DATA'] satisfies AlarmState[];

/**
 * Parses `ALARM("name") OR NOT (OK("name") AND …)`. AND binds before OR.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
 */
export function parseAlarmRule(text: string): AlarmRule {
  const tokens = [...text.matchAll(/"[^"]*"|\w+|\S/g)].map(([token]) => token);
  const fail = (): never => {
    throw new Error(`The local system does not understand ${tokens[0] ?? 'the end'} in the alarm rule ${text}`);
  };
  const take = (token: string) => (tokens[0] === token ? tokens.shift() : fail());

  function any(): AlarmRule {
    const rules = [all()];
    while (tokens[0] === 'OR' && tokens.shift()) rules.push(all());
    return (stateOf) => rules.some((rule) => rule(stateOf));
  }

  function all(): AlarmRule {
    const rules = [one()];
    while (tokens[0] === 'AND' && tokens.shift()) rules.push(one());
    return (stateOf) => rules.every((rule) => rule(stateOf));
  }

  function one(): AlarmRule {
    const token = tokens.shift();
    if (token === 'NOT') {
      const rule = one();
      return (stateOf) => !rule(stateOf);
    }
    if (token === 'TRUE' || token === 'FALSE') return () => token === 'TRUE';
    if (token === '(') {
      const rule = any();
      take(')');
      return rule;
    }
    if (token === undefined || !STATES.includes(token)) return fail();
    take('(');
    const name = tokens.shift()?.replaceAll('"', '') ?? fail();
    take(')');
    return (stateOf) => stateOf(name) === token;
  }

  const rule = any();
  return tokens.length === 0 ? rule : fail();
}
