import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { type Ticket, ticketSchema } from '../protocol/ids.ts';

/** In a header, so that nothing that is told of a job can hold it by mistake. */
const TICKET_HEADER = 'Aipg-Ticket';

export function withTicket(ticket: Ticket): MsgHdrs {
  const header = headers();
  header.set(TICKET_HEADER, ticket);
  return header;
}

/** `undefined` for a message without one. */
export function ticketOf(message: { readonly headers?: MsgHdrs | undefined }): Ticket | undefined {
  return ticketSchema.safeParse(message.headers?.get(TICKET_HEADER)).data;
}
