const MONTH_AND_DAY =
  '(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))';
const DATE = `[0-9]{4}-${MONTH_AND_DAY}`;
const TIME =
  '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])';
const HEX = '[0-9a-f]';
const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?';
const HOST = `${LABEL}(?:\\.${LABEL}){1,4}`;

/** The values of `format` that are enforced, each by a pattern all of whose texts are of that format. */
export const STRING_FORMATS: Readonly<Record<string, string>> = {
  date: `^${DATE}$`,
  time: `^${TIME}$`,
  'date-time': `^${DATE}T${TIME}$`,
  uuid: `^${HEX}{8}-${HEX}{4}-[1-5]${HEX}{3}-[89ab]${HEX}{3}-${HEX}{12}$`,
  ipv4: `^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`,
  email: `^[A-Za-z0-9_+-]{1,32}(?:\\.[A-Za-z0-9_+-]{1,32}){0,3}@${HOST}$`,
  hostname: `^${HOST}$`,
  uri: `^https?://${HOST}(?:/[A-Za-z0-9._~-]{0,30}){0,6}$`,
};
