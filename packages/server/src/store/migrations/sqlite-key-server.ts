export const KEY_SERVER_TABLES = ''
