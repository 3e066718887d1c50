/**
 * How eagerly V8 compiles. Its optimizing compiler takes a function up once it has used up a budget that is made for pages of a few seconds, and works on
 * threads of its own. A server of hours gains next to nothing from code that is optimized a moment earlier, and what it does once in an hour, such as
 * a flush of new series, is over by the time its code is ready. docs/decisions/0009-compiling-later.md has the figures.
 */
import { setFlagsFromString } from "node:v8";

/** Bytes of bytecode a function runs through before it is looked at again: three times V8's own. */
const INTERRUPT_BUDGET = 202_752;

/** To be called first: what has become hot before is compiled as ever. V8 reads the flag whenever a budget is given, so it may change while running. */
export function compileLater(): void {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
}
