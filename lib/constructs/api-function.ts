import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { apiEnvironment } from '../../lambdas/shared/api/env.ts';
import type { Variables } from '../../lambdas/shared/environment.ts';
import { LambdaFunction, type LambdaFunctionProps } from './lambda-function.ts';
import type { SecretParameter } from './secret-parameter.ts';

/** What both functions of the API are made of. */
export interface ApiFunctionProps extends Pick<LambdaFunctionProps, 'stage' | 'logRetention' | 'failedEvents'> {
  readonly supabaseUrl: string;
  readonly serviceKey: SecretParameter;
  readonly rateLimit: { readonly requests: number; readonly window: Duration; readonly mode: 'enforce' | 'shadow' };
  readonly corsOrigins: readonly string[];
  /** @default nobody stands between callers and the gateway */
  readonly proxy?: { readonly addressHeader: string; readonly secretHeader: string; readonly secret: SecretParameter };
}

/** A function behind the gateway. It may read its own secrets, and nothing else. */
export class ApiFunction extends LambdaFunction {
  constructor(
    scope: Construct,
    id: string,
    props: ApiFunctionProps & Pick<LambdaFunctionProps, 'name' | 'description' | 'environment'>,
  ) {
    super(scope, id, {
      ...props,
      // Someone waits for it, and processor time comes with memory.
      memorySize: 512,
      timeout: Duration.seconds(10),
    });
    this.allowReading(props.serviceKey.arn, ...(props.proxy ? [props.proxy.secret.arn] : []));
  }
}

/** The variables that both functions have. */
export function apiVariables(props: ApiFunctionProps): Variables<typeof apiEnvironment> {
  const { rateLimit, proxy } = props;
  return {
    STAGE: props.stage,
    SUPABASE_URL: props.supabaseUrl,
    SUPABASE_SERVICE_KEY_PARAMETER: props.serviceKey.name,
    RATE_LIMIT_REQUESTS: String(rateLimit.requests),
    RATE_LIMIT_WINDOW_MS: String(rateLimit.window.toMilliseconds()),
    RATE_LIMIT_MODE: rateLimit.mode,
    CORS_ORIGINS: props.corsOrigins.join(','),
    PROXY_ADDRESS_HEADER: proxy?.addressHeader ?? '',
    PROXY_SECRET_HEADER: proxy?.secretHeader ?? '',
    PROXY_SECRET_PARAMETER: proxy?.secret.name ?? '',
  };
}
