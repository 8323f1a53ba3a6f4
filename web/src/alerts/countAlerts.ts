/** countAlerts returns "1 alert" or "30 alerts". */
export const countAlerts = (count: number) => (count === 1 ? '1 alert' : `${count.toLocaleString('en')} alerts`)
