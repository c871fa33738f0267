import type { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import { LambdaFunction, type LambdaFunctionProps } from './lambda-function.ts';

export interface ScheduledFunctionProps extends LambdaFunctionProps {
  /** Time from one run to the next; longer than `timeout`. */
  readonly period: Duration;
}

/** A function that runs on a schedule. The next run is the retry, so that nothing else repeats a failed one. */
export class ScheduledFunction extends LambdaFunction {
  readonly period: Duration;
  readonly rule: Rule;

  constructor(scope: Construct, id: string, props: ScheduledFunctionProps) {
    const { period, timeout } = props;
    if (timeout.toSeconds() >= period.toSeconds()) {
      throw new Error(
        `${props.name}: the timeout is ${timeout.toSeconds()} s and the period ${period.toSeconds()} s, ` +
          'wanted a timeout shorter than the period, or runs would pile up',
      );
    }
    super(scope, id, props);
    this.period = period;
    this.rule = new Rule(this, 'Schedule', {
      description: `Runs ${props.name} every ${period.toHumanString()}`,
      schedule: Schedule.rate(period),
      targets: [new LambdaTarget(this.alias, { retryAttempts: 0, maxEventAge: period })],
    });
  }
}
