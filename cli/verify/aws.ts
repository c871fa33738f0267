import { type Check, Fault } from './check.ts';

/** Whether there is anybody to ask AWS as. That these credentials may do what they must is seen where they do it. */
export const aws: Check = {
  name: 'AWS',
  needs: ['Settings'],
  async run({ context }) {
    try {
      const { accessKeyId } = await context.clients.ssm.config.credentials();
      return `credentials of the access key ${accessKeyId}`;
    } catch (error) {
      throw new Fault(
        `no credentials: ${(error as Error).message}`,
        'Set AWS_PROFILE, or run aws configure or aws sso login.',
      );
    }
  },
};
