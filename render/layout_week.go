package render

func (p *page) week() { p.day() }
