/**
 * Slack's rules for the blocks of a message, as far as Queuekeeper uses them: what breaks one of these is
 * answered by `invalid_payload` or `invalid_blocks`, and the alert is lost. A type that is not listed is a fault.
 * Source: https://docs.slack.dev/reference/block-kit/blocks, `…/composition-objects/text-object` and
 * `…/block-elements/button-element`.
 */
const LIMITS = {
  blocks: 50,
  messageText: 40_000,
  headerText: 150,
  sectionText: 3_000,
  fields: 10,
  fieldText: 2_000,
  contextElements: 10,
  actionElements: 25,
  buttonText: 75,
  url: 3_000,
  buttonValue: 2_000,
  id: 255,
} as const;

type Json = Readonly<Record<string, unknown>>;

/** Every rule that a webhook's payload breaks, each with the place: none for a message that Slack takes. */
export function blockKitFaults(payload: unknown): string[] {
  if (!isObject(payload)) return ['the payload is not an object'];
  const { text, blocks } = payload;
  if (blocks === undefined) return characters('text', text, LIMITS.messageText);
  if (!Array.isArray(blocks)) return ['blocks is not a list'];
  return [
    ...(text === undefined ? [] : characters('text', text, LIMITS.messageText)),
    ...count('blocks', blocks, LIMITS.blocks),
    ...blocks.flatMap((block, index) => blockFaults(`blocks[${index}]`, block)),
    ...repeatedIds(blocks),
  ];
}

function blockFaults(at: string, block: unknown): string[] {
  if (!isObject(block)) return [`${at} is not an object`];
  const id = block['block_id'] === undefined ? [] : characters(`${at}.block_id`, block['block_id'], LIMITS.id);
  switch (block['type']) {
    case 'header':
      return [...id, ...textFaults(`${at}.text`, block['text'], LIMITS.headerText, ['plain_text'])];
    case 'section':
      return [...id, ...sectionFaults(at, block)];
    case 'context':
      return [...id, ...each(`${at}.elements`, block['elements'], LIMITS.contextElements, contextElementFaults)];
    case 'actions':
      return [...id, ...each(`${at}.elements`, block['elements'], LIMITS.actionElements, buttonFaults)];
    case 'divider':
      return id;
    default:
      return [`${at}.type ${JSON.stringify(block['type'])} is not known`];
  }
}

function sectionFaults(at: string, { text, fields, accessory }: Json): string[] {
  return [
    ...(text === undefined && fields === undefined ? [`${at} needs text or fields`] : []),
    ...(text === undefined ? [] : textFaults(`${at}.text`, text, LIMITS.sectionText)),
    ...(fields === undefined ? [] : each(`${at}.fields`, fields, LIMITS.fields, fieldFaults)),
    ...(accessory === undefined ? [] : buttonFaults(`${at}.accessory`, accessory)),
  ];
}

function fieldFaults(at: string, field: unknown): string[] {
  return textFaults(at, field, LIMITS.fieldText);
}

function contextElementFaults(at: string, element: unknown): string[] {
  return textFaults(at, element, LIMITS.sectionText);
}

function buttonFaults(at: string, button: unknown): string[] {
  if (!isObject(button) || button['type'] !== 'button') return [`${at} is not a button`];
  const { text, url, value, style, action_id: actionId } = button;
  return [
    ...textFaults(`${at}.text`, text, LIMITS.buttonText, ['plain_text']),
    ...(url === undefined ? [] : characters(`${at}.url`, url, LIMITS.url)),
    ...(url === undefined || URL.canParse(String(url)) ? [] : [`${at}.url is not a URL`]),
    ...(value === undefined ? [] : characters(`${at}.value`, value, LIMITS.buttonValue)),
    ...(actionId === undefined ? [] : characters(`${at}.action_id`, actionId, LIMITS.id)),
    ...(style === undefined || style === 'primary' || style === 'danger' ? [] : [`${at}.style is not known`]),
  ];
}

function textFaults(at: string, text: unknown, limit: number, types: string[] = ['plain_text', 'mrkdwn']): string[] {
  if (!isObject(text)) return [`${at} is not a text object`];
  const { type, emoji, verbatim } = text;
  if (typeof type !== 'string' || !types.includes(type)) return [`${at}.type must be ${types.join(' or ')}`];
  return [
    ...characters(`${at}.text`, text['text'], limit),
    ...(emoji === undefined || type === 'plain_text' ? [] : [`${at}.emoji is for plain_text only`]),
    ...(verbatim === undefined || type === 'mrkdwn' ? [] : [`${at}.verbatim is for mrkdwn only`]),
  ];
}

type Rule = (at: string, item: unknown) => string[];

function each(at: string, list: unknown, limit: number, rule: Rule): string[] {
  if (!Array.isArray(list)) return [`${at} is not a list`];
  return [...count(at, list, limit), ...list.flatMap((item, index) => rule(`${at}[${index}]`, item))];
}

function count(at: string, list: unknown[], limit: number): string[] {
  if (list.length === 0) return [`${at} is empty`];
  return list.length > limit ? [`${at} has ${list.length} parts: at most ${limit}`] : [];
}

function characters(at: string, text: unknown, limit: number): string[] {
  if (typeof text !== 'string') return [`${at} is not a text`];
  if (text.trim() === '') return [`${at} is empty`];
  if (!text.isWellFormed()) return [`${at} holds half a character`];
  return text.length > limit ? [`${at} has ${text.length} characters: at most ${limit}`] : [];
}

function repeatedIds(blocks: unknown[]): string[] {
  const ids = blocks.filter(isObject).flatMap(({ block_id: id }) => (id === undefined ? [] : [id]));
  return ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `block_id ${JSON.stringify(id)} is repeated`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
