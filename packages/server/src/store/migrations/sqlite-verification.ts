export const VERIFICATION_TABLES = ''
