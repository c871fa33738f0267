import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRICS_NAMESPACE } from './metric-names.ts';

/** Structured logs and CloudWatch metrics (EMF) of one function; stage and service keep two stacks apart. */
export function telemetry(service: string, stage: string) {
  return {
    logger: new Logger({ serviceName: service, persistentKeys: { stage } }),
    metrics: new Metrics({
      namespace: METRICS_NAMESPACE,
      serviceName: service,
      defaultDimensions: { stage },
    }),
  };
}
