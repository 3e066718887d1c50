/**
 * Operands and operators in the order of the text, put together by precedence. An explicit stack: a long chain costs no calls.
 * Used for expressions and for the arithmetic of durations.
 */
import { isRightAssociative, precedenceOf, SIGN_PRECEDENCE } from "./operators.ts";

/** Both sides of an operator, or the one of a sign, become one operand. */
export type Join<Operand, Operator> = (left: Operand | null, operator: Operator, right: Operand) => Operand;

export class OperatorStack<Operand, Operator extends { readonly op: string }> {
  private readonly join: Join<Operand, Operator>;
  private readonly operands: Operand[] = [];
  private readonly pending: { readonly operator: Operator; readonly precedence: number; readonly isSign: boolean }[] =
    [];

  constructor(join: Join<Operand, Operator>) {
    this.join = join;
  }

  pushSign(operator: Operator): void {
    this.pending.push({ operator, precedence: SIGN_PRECEDENCE, isSign: true });
  }

  pushOperand(operand: Operand): void {
    this.operands.push(operand);
  }

  /** What binds tighter, and stands in front, is put together first. */
  pushOperator(operator: Operator): void {
    const precedence = precedenceOf(operator.op);
    this.reduce(isRightAssociative(operator.op) ? precedence + 1 : precedence);
    this.pending.push({ operator, precedence, isSign: false });
  }

  finish(): Operand {
    this.reduce(0);
    return this.operands[0] as Operand;
  }

  private reduce(precedence: number): void {
    for (
      let last = this.pending.at(-1);
      last !== undefined && last.precedence >= precedence;
      last = this.pending.at(-1)
    ) {
      this.pending.pop();
      const right = this.operands.pop() as Operand;
      const left = last.isSign ? null : (this.operands.pop() as Operand);
      this.operands.push(this.join(left, last.operator, right));
    }
  }
}
