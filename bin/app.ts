import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { withEnvFile } from '../lib/env-file.ts';
import { QueuekeeperStack } from '../lib/queuekeeper-stack.ts';
import { readSettings } from '../lib/settings.ts';

try {
  const settings = readSettings(withEnvFile(process.env));
  const app = new App();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  new QueuekeeperStack(app, 'Queuekeeper', {
    stackName: `queuekeeper-${settings.STAGE}`,
    settings,
    env: { region: settings.AWS_DEFAULT_REGION, account: process.env['CDK_DEFAULT_ACCOUNT'] },
  });
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
