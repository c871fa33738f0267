import { z } from 'zod';

/** A variable that is not set and one that is set to nothing are the same thing to an operator. */
export const optional = <T extends z.ZodType>(type: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), type);

export const wholeNumber = (min: number, max: number, fallback: number) => {
  const isWithin = (text: string) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max;
  const wanted = `a whole number from ${min} to ${max}`;
  return optional(z.string().refine(isWithin, wanted).transform(Number).default(fallback));
};

/** Values separated by commas; none where nothing is set. */
export const list = <T extends z.ZodType>(item: T) =>
  z.preprocess(
    (values) =>
      String(values ?? '')
        .split(',')
        .map((value) => value.trim())
        .filter(Boolean),
    z.array(item),
  );
