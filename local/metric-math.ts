/**
 * CloudWatch's metric math, as far as our alarms use it. A value that is missing makes what is computed from it missing,
 * and so does a division by zero.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
type Value = number | undefined;
/** The value of one period, given the values of the ids that the expression names. */
export type Formula = (lookUp: (id: string) => Value) => Value;

type Operator = (left: number, right: number) => Value;

/** Those that bind weakest come first. */
const OPERATORS: readonly Readonly<Record<string, Operator>>[] = [
  { OR: (a, b) => Number(a !== 0 || b !== 0), '||': (a, b) => Number(a !== 0 || b !== 0) },
  { AND: (a, b) => Number(a !== 0 && b !== 0), '&&': (a, b) => Number(a !== 0 && b !== 0) },
  {
    '>': (a, b) => Number(a > b),
    '>=': (a, b) => Number(a >= b),
    '<': (a, b) => Number(a < b),
    '<=': (a, b) => Number(a <= b),
    '==': (a, b) => Number(a === b),
    '!=': (a, b) => Number(a !== b),
  },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => (b === 0 ? undefined : a / b) },
];

const FUNCTIONS: Readonly<Record<string, (values: readonly Value[]) => Value>> = {
  IF: ([condition, then, otherwise]) => (condition === undefined ? undefined : condition ? then : otherwise),
  FILL: ([value, filling]) => value ?? filling,
  SUM: (values) => overKnown(values, (known) => known.reduce((sum, value) => sum + value, 0)),
  MAX: (values) => overKnown(values, (known) => Math.max(...known)),
  MIN: (values) => overKnown(values, (known) => Math.min(...known)),
};

/** Over several metrics, those that have no value do not count. */
function overKnown(values: readonly Value[], compute: (known: readonly number[]) => number): Value {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? compute(known) : undefined;
}

/** Parses an expression. What is not understood is an error that names it. */
export function parseFormula(expression: string): Formula {
  const tokens = [...expression.matchAll(/\d+(?:\.\d+)?|\w+|>=|<=|==|!=|&&|\|\||\S/g)].map(([token]) => token);
  const fail = (): never => {
    throw new Error(`The local system does not understand ${tokens[0] ?? 'the end'} in the expression ${expression}`);
  };
  const expect = (token: string) => (tokens[0] === token ? tokens.shift() : fail());

  function binary(level: number): Formula {
    const operators = OPERATORS[level];
    if (!operators) return operand();
    let left = binary(level + 1);
    while (tokens[0] !== undefined && Object.hasOwn(operators, tokens[0])) {
      const operate = operators[tokens.shift() as string] as Operator;
      const [first, second] = [left, binary(level + 1)];
      left = (lookUp) => {
        const [a, b] = [first(lookUp), second(lookUp)];
        return a === undefined || b === undefined ? undefined : operate(a, b);
      };
    }
    return left;
  }

  function operand(): Formula {
    const token = tokens[0];
    if (token === undefined) return fail();
    if (token === '(') return inside('(', ')', () => binary(0));
    if (/^\d/.test(token)) return constant(Number(tokens.shift()));
    if (tokens[1] === '(') return call();
    if (!/^[a-z]\w*$/.test(token)) return fail();
    tokens.shift();
    return (lookUp) => lookUp(token);
  }

  function call(): Formula {
    const run = FUNCTIONS[tokens[0] as string] ?? fail();
    tokens.shift();
    const operands = inside('(', ')', () => (tokens[0] === '[' ? inside('[', ']', list) : list()));
    return (lookUp) => run(operands.map((one) => one(lookUp)));
  }

  function list(): Formula[] {
    const operands = [binary(0)];
    while (tokens[0] === ',' && tokens.shift()) operands.push(binary(0));
    return operands;
  }

  function inside<T>(open: string, close: string, parse: () => T): T {
    expect(open);
    const parsed = parse();
    expect(close);
    return parsed;
  }

  const formula = binary(0);
  return tokens.length === 0 ? formula : fail();
}

function constant(value: number): Formula {
  return () => value;
}
