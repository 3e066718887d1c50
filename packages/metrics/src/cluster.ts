/**
 * The door for applications of many processes. Start reading at cluster/process-group.ts.
 */
export {
  type GroupWorker,
  type GroupWriteOptions,
  joinProcessGroup,
  type ProcessGroup,
  type ProcessGroupOptions,
} from "./cluster/process-group.ts";
