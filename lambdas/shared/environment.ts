/** Turns the text of one environment variable into its value, or throws an Error that says what was wanted. */
type Parse<T> = (text: string) => T;
type Spec = Record<string, Parse<unknown>>;

/** The values that a spec promises. */
export type Values<S extends Spec> = { readonly [Name in keyof S]: ReturnType<S[Name]> };
/** What the construct must hand to the function: exactly these names, each as text. */
export type Variables<S extends Spec> = { readonly [Name in keyof S]: string };

export const text: Parse<string> = (value) => value;

/** Text that may be missing or empty: both read as undefined. */
export const optionalText: Parse<string | undefined> = (value) => value || undefined;

/** One of a few words. */
export function oneOf<T extends string>(...words: T[]): Parse<T> {
  return (value) => {
    if (words.includes(value as T)) return value as T;
    throw new Error(words.join(' or '));
  };
}

export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): Parse<number> {
  return (value) => numberWithin(value, min, max, Number.isInteger, 'a whole number');
}

export function share(): Parse<number> {
  return (value) => numberWithin(value, 0, 1, Number.isFinite, 'a share');
}

function numberWithin(value: string, min: number, max: number, is: (n: number) => boolean, what: string): number {
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (!is(number) || number < min || number > max) {
    throw new Error(`${what} from ${min} to ${max}`);
  }
  return number;
}

/**
 * Reads a function's environment once, at start.
 * @throws one Error that lists every missing name, and every bad one with its value and what was wanted
 */
export function readEnvironment<S extends Spec>(variables: NodeJS.ProcessEnv, spec: S): Values<S> {
  const missing: string[] = [];
  const bad: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, parse] of Object.entries(spec)) {
    const value = variables[name] ?? '';
    if (value === '' && parse !== optionalText) {
      missing.push(name);
      continue;
    }
    try {
      values[name] = parse(value);
    } catch (error) {
      bad.push(`${name} is "${value}", wanted ${(error as Error).message}`);
    }
  }
  const problems = [
    ...(missing.length > 0 ? [`Missing required environment variables: ${missing.join(', ')}`] : []),
    ...(bad.length > 0 ? [`Bad environment variables: ${bad.join('; ')}`] : []),
  ];
  if (problems.length > 0) {
    throw new Error(problems.join('. '));
  }
  return values as Values<S>;
}
