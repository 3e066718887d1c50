/**
 * Where S3 is and who we are there, from flags, environment and the files of AWS' tools, in this order:
 *
 *   credentials   -credsFilePath, AWS_ACCESS_KEY_ID and its companions, ~/.aws/credentials, ~/.aws/config
 *   region        AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1
 *   endpoint      -customS3Endpoint, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, Amazon's own
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { StoreError } from "./object-store.ts";

export interface S3Flags {
  readonly credsFilePath: string;
  readonly configFilePath: string;
  readonly configProfile: string;
  readonly customS3Endpoint: string;
  readonly s3ForcePathStyle: boolean;
  readonly s3StorageClass: string;
  readonly s3TLSInsecureSkipVerify: boolean;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Settings {
  readonly endpoint: URL;
  readonly region: string;
  readonly credentials: Credentials;
  /** The bucket is in the path, not in the name of the host. */
  readonly isPathStyle: boolean;
  /** "" for the store's own. */
  readonly storageClass: string;
  readonly isTlsVerified: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Section = ReadonlyMap<string, string>;

/** @throws StoreError saying where credentials were looked for, or which file cannot be read */
export async function loadS3Settings(
  flags: S3Flags,
  environment: Environment,
  home: string = homedir(),
): Promise<S3Settings> {
  const profile = flags.configProfile || environment["AWS_PROFILE"] || environment["AWS_DEFAULT_PROFILE"] || "default";
  const isConfigGiven = flags.configFilePath !== "";
  const configPath = flags.configFilePath || environment["AWS_CONFIG_FILE"] || join(home, ".aws/config");
  const configFile = await readSections(configPath, isConfigGiven);
  // The default profile's section has the same name in both files, the others' have not.
  const config = configFile.get(`profile ${profile}`) ?? configFile.get(profile) ?? new Map<string, string>();

  const region = environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || config.get("region") || "us-east-1";
  const endpoint =
    flags.customS3Endpoint ||
    environment["AWS_ENDPOINT_URL_S3"] ||
    environment["AWS_ENDPOINT_URL"] ||
    config.get("endpoint_url") ||
    `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  return {
    endpoint: parseEndpoint(endpoint),
    region,
    credentials: await findCredentials(flags, environment, home, profile, config),
    isPathStyle: flags.s3ForcePathStyle,
    storageClass: flags.s3StorageClass,
    isTlsVerified: !flags.s3TLSInsecureSkipVerify,
  };
}

function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new StoreError(`S3 endpoint: want a URL such as http://127.0.0.1:9000, got ${JSON.stringify(text)}`);
  }
  return url;
}

async function findCredentials(
  flags: S3Flags,
  environment: Environment,
  home: string,
  profile: string,
  config: Section,
): Promise<Credentials> {
  const isFileGiven = flags.credsFilePath !== "";
  const path = flags.credsFilePath || environment["AWS_SHARED_CREDENTIALS_FILE"] || join(home, ".aws/credentials");
  const inFile = (await readSections(path, isFileGiven)).get(profile);
  const inEnvironment = new Map(
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"].map((name) => [
      name,
      environment[name.toUpperCase()] ?? "",
    ]),
  );
  const places = isFileGiven ? [inFile] : [inEnvironment, inFile, config];
  for (const place of places) {
    const accessKeyId = place?.get("aws_access_key_id") ?? "";
    const secretAccessKey = place?.get("aws_secret_access_key") ?? "";
    const sessionToken = place?.get("aws_session_token") ?? "";
    if (accessKeyId === "" || secretAccessKey === "") continue;
    return sessionToken === "" ? { accessKeyId, secretAccessKey } : { accessKeyId, secretAccessKey, sessionToken };
  }
  const looked = isFileGiven ? path : `AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ${path}`;
  throw new StoreError(`no S3 credentials of profile ${JSON.stringify(profile)} found; looked at ${looked}`);
}

/** Sections of an INI file by name. A file that nobody asked for may be missing. */
async function readSections(path: string, isGiven: boolean): Promise<Map<string, Map<string, string>>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (!isGiven) return new Map();
    throw new StoreError(`cannot read ${path}: ${(error as Error).message}`);
  }
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line);
    const entry = /^([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (header !== null) {
      section = new Map();
      sections.set((header[1] as string).replace(/\s+/g, " "), section);
    } else if (entry !== null) section.set(entry[1] as string, entry[2] as string);
  }
  return sections;
}
