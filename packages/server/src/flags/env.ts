/** `%{NAME}` in flag values and configuration files stands for the environment variable NAME. */
import { FlagValueError } from "./values.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws FlagValueError for a variable that is not set: an empty password by mistake is worse than no start. */
export function expandEnvironment(text: string, environment: Environment): string {
  return text.replace(/%\{([^}]*)\}/g, (_, name: string) => {
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value === undefined) throw new FlagValueError(`environment variable ${JSON.stringify(name)} is not set`);
    return value;
  });
}
