/**
 * The protocol that AWS SDKs spoke with SQS before November 2023, forms in and XML out: a worker may run on an SDK that
 * old (Debian's boto3 is), and SQS still answers it. Only what a worker calls; the rest is refused by name.
 */
import type { buildApp } from 'fauxqs';

type App = ReturnType<typeof buildApp>;
type Form = Record<string, string>;

const JSON_TYPE = 'application/x-amz-json-1.0';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const ACTIONS = ['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility'];
const NUMBERS = ['MaxNumberOfMessages', 'WaitTimeSeconds', 'VisibilityTimeout'];

/** Turns a form into the request that a newer SDK would have sent; the action of each. Comes before other hooks. */
export function readForms(app: App): WeakMap<object, string> {
  const actions = new WeakMap<object, string>();
  app.addHook('preHandler', async (request, reply) => {
    if (!request.headers['content-type']?.startsWith(FORM_TYPE)) return;
    const { Action = 'none', Version: _, ...form } = request.body as Form;
    actions.set(request, Action);
    if (!ACTIONS.includes(Action)) {
      const message = `${Action} in the query protocol; the local SQS speaks it for ${ACTIONS.join(', ')} only.`;
      return reply.code(400).send(JSON.stringify({ __type: 'InvalidAction', message }));
    }
    request.raw.headers['content-type'] = JSON_TYPE;
    request.raw.headers['x-amz-target'] = `AmazonSQS.${Action}`;
    request.body = jsonOf(form);
  });
  return actions;
}

/** Turns the answers to those requests into XML. Comes after other hooks. */
export function answerFormsInXml(app: App, actions: WeakMap<object, string>): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const action = actions.get(request);
    if (!action) return payload;
    reply.header('content-type', 'text/xml');
    const answer = typeof payload === 'string' && payload !== '' ? JSON.parse(payload) : {};
    return reply.statusCode < 400 ? success(action, answer) : failure(answer);
  });
}

/** `AttributeName.1=All` is the first of the list AttributeNames. */
function jsonOf(form: Form): object {
  const body: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(form)) {
    const list = /^(\w+)\.\d+$/.exec(key)?.[1];
    if (list) body[`${list}s`] = [...((body[`${list}s`] as string[]) ?? []), value];
    else body[key] = NUMBERS.includes(key) ? Number(value) : value;
  }
  return body;
}

type Received = { Attributes?: Form; MessageAttributes?: object } & Form;

function success(action: string, { Messages = [] }: { Messages?: Received[] }): string {
  const messages = Messages.map(({ Attributes = {}, MessageAttributes: _, ...fields }) => {
    const attributes = Object.entries(Attributes).map(([Name, Value]) =>
      element('Attribute', elements({ Name, Value })),
    );
    return element('Message', elements(fields) + attributes.join(''));
  });
  return element(`${action}Response`, element(`${action}Result`, messages.join('')));
}

function failure({ __type = 'InternalError', message = '' }: Form): string {
  const Code = __type.split('#').at(-1) ?? '';
  return element('ErrorResponse', element('Error', elements({ Type: 'Sender', Code, Message: message })));
}

function elements(fields: Form): string {
  return Object.entries(fields)
    .map(([name, text]) => element(name, text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')))
    .join('');
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}
