import { Duration } from 'aws-cdk-lib';
import { type Alarm, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import * as health from '../../lambdas/health/env.ts';
import * as stale from '../../lambdas/stale-job-monitor/env.ts';
import type { AlarmTopic, Symptom, WatchProps } from './alarm-topic.ts';
import { ownMetric } from './monitor-alarms.ts';
import type { ScheduledFunction } from './scheduled-function.ts';

export interface DatabaseDownProps {
  readonly stage: string;
  readonly alarms: AlarmTopic;
  readonly staleJobMonitor: ScheduledFunction;
  readonly dlqMonitor: ScheduledFunction;
  /** What goes wrong while the database is down, and is then told once. */
  readonly symptoms: readonly Symptom[];
  /** Symptoms that look back on a whole day. */
  readonly symptomsOfTheDay: readonly Symptom[];
}

/**
 * One outage, one message. Who asks the database says when it cannot; while one of them says so, all the alarms that follow
 * from it stay silent. They speak after it, about whatever has not ended with it.
 */
export class DatabaseDown extends Construct {
  constructor(scope: Construct, id: string, props: DatabaseDownProps) {
    super(scope, id);
    const { alarms, staleJobMonitor, dlqMonitor, symptoms, symptomsOfTheDay } = props;
    const cause = alarms.tellAny(this, 'Alarm', { ...WORDS, alarms: this.signs(props) });
    // The next run of the monitor, with some time for the run itself and for CloudWatch to look at it.
    const wait = staleJobMonitor.period.plus(Duration.minutes(4));
    // Each monitor must have had a good run, and CloudWatch five minutes without a bad one.
    const longest = Math.max(staleJobMonitor.period.toMinutes(), dlqMonitor.period.toMinutes());
    const extension = Duration.minutes(longest + 10);
    for (const symptom of symptoms) alarms.tellUnless(this, symptom.runbookEntry, symptom, { cause, wait, extension });
    // A day later no run of the outage is left in the average.
    const day = Duration.days(1).plus(extension);
    for (const symptom of symptomsOfTheDay) {
      alarms.tellUnless(this, symptom.runbookEntry, symptom, { cause, wait, extension: day });
    }
  }

  /** Each says it by itself: the monitor asks all the time, and callers of health find out between its runs. */
  private signs({ stage, alarms, staleJobMonitor }: DatabaseDownProps): Alarm[] {
    const period = Duration.minutes(Math.max(5, staleJobMonitor.period.toMinutes()));
    const shared = {
      ...WORDS,
      evaluationPeriods: 1,
      // Who asks no more knows no more; and nothing unknown may keep other alarms silent.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    } satisfies Partial<WatchProps>;
    const monitor: WatchProps = {
      ...shared,
      metric: ownMetric(stage, stale.SERVICE, stale.METRICS.databaseUnavailable, Stats.MAXIMUM, period),
      threshold: 1,
    };
    const api: WatchProps = {
      ...shared,
      // Most of the answers, as one may have been slow by chance.
      metric: ownMetric(stage, health.SERVICE, health.METRICS.unhealthy, Stats.AVERAGE, Duration.minutes(5)),
      threshold: 0.5,
    };
    return [
      alarms.notice(this, 'MonitorSays', monitor, 'monitor-says').alarm,
      alarms.notice(this, 'HealthSays', api, 'health-says').alarm,
    ];
  }
}

const WORDS = {
  meaning:
    'The database does not answer, or refuses the key. Jobs are kept, and recovered when it is back; the API answers 503. Other alarms that follow from it are silent meanwhile.',
  runbookEntry: 'database-down',
};
