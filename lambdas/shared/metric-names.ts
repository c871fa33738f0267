/** The CloudWatch namespace of every metric that the functions write and the stack watches. */
export const METRICS_NAMESPACE = 'Queuekeeper';
