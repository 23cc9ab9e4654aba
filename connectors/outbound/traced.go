package outbound

// Traced returns an Outbound whose clients tell f of every exchange, already redacted, beside what o does. f must be
// quick and may be called from several goroutines.
func (o *Outbound) Traced(f func(Exchange)) *Outbound {
	traced := *o
	traced.trace = f
	return &traced
}
