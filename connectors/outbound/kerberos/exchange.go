package kerberos

import (
	"context"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ticket is one with the key that it shares with its service.
type ticket struct {
	messages.Ticket
	key   types.EncryptionKey
	until time.Time // when to ask for another: somewhat before its end
}

const (
	// early is how long before its end a ticket is replaced, more than clocks may differ.
	early = 6 * time.Minute
	// maxReferrals bounds the realms on the way to a service.
	maxReferrals = 5
	// maxRounds bounds what a centre may make us compute for one key; usual is 4096.
	maxRounds = 1 << 20
)

// fetch gets a ticket for a service, following the centres' referrals to other realms (RFC 6806 8). The
// caller has the turn.
func (s *SignIn) fetch(ctx context.Context, spn string) (ticket, error) {
	realm := s.account.Realm()
	tgt, ok := s.tickets["krbtgt/"+realm]
	if now := s.cfg.Now(); !ok || !tgt.until.After(now) {
		var err error
		if tgt, err = s.signIn(ctx); err != nil {
			return ticket{}, err
		}
		s.tickets["krbtgt/"+realm] = tgt
	}
	conf := *s.conf
	conf.LibDefaults.Canonicalize = true // asks for referrals
	name := types.NewPrincipalName(nametype.KRB_NT_SRV_INST, spn)
	for range maxReferrals {
		req, err := messages.NewTGSReq(s.account.CName(), realm, &conf, tgt.Ticket, tgt.key, name, false)
		if err != nil {
			return ticket{}, invalid("ask for a ticket")
		}
		b, err := req.Marshal()
		if err != nil {
			return ticket{}, invalid("ask for a ticket")
		}
		answer, err := s.ask(ctx, realm, b)
		if err != nil {
			return ticket{}, err
		}
		var rep messages.TGSRep
		if err := rep.Unmarshal(answer); err != nil {
			return ticket{}, kdcError(err)
		}
		if err := rep.DecryptEncPart(tgt.key); err != nil {
			return ticket{}, invalid("the ticket can't be opened")
		}
		if ok, _ := rep.Verify(&conf, req); !ok {
			return ticket{}, invalid("the ticket is not what was asked for")
		}
		t := s.keep(rep.Ticket, rep.DecryptedEncPart)
		to := rep.Ticket.SName.NameString
		if len(to) != 2 || to[0] != "krbtgt" || to[1] == realm {
			s.tickets[spn] = t
			return t, nil
		}
		realm, tgt = to[1], t
	}
	return ticket{}, invalid("too many realms on the way")
}

func (s *SignIn) keep(t messages.Ticket, part messages.EncKDCRepPart) ticket {
	return ticket{Ticket: t, key: part.Key, until: part.EndTime.Add(-early)}
}

// signIn gets the ticket that stands for the password or keytab (RFC 4120 3.1). The first question has no
// proof, so that a wrong password is tried exactly once.
func (s *SignIn) signIn(ctx context.Context) (ticket, error) {
	realm := s.account.Realm()
	req, err := messages.NewASReqForTGT(realm, s.conf, s.account.CName())
	if err != nil {
		return ticket{}, invalid("ask to sign in")
	}
	req.PAData = types.PADataSequence{{PADataType: patype.PA_REQ_ENC_PA_REP}}
	answer, err := s.askAS(ctx, req)
	var wants messages.KRBError
	if errors.As(err, &wants) && wants.ErrorCode == codePreauthRequired {
		var proof types.PAData
		if proof, err = s.proof(wants.EData); err != nil {
			return ticket{}, err
		}
		req.PAData = append(req.PAData, proof)
		answer, err = s.askAS(ctx, req)
	}
	if err != nil {
		return ticket{}, kdcError(err)
	}
	var rep messages.ASRep
	if err := rep.Unmarshal(answer); err != nil {
		return ticket{}, kdcError(err)
	}
	if err := bounded(rep.PAData); err != nil {
		return ticket{}, err
	}
	if ok, _ := rep.Verify(s.conf, s.account, req); !ok {
		// What a centre that wants no proof answers to a wrong password, among others.
		if rep.DecryptedEncPart.AuthTime.IsZero() {
			return ticket{}, explain(codePreauthFailed)
		}
		if s.cfg.Now().Sub(rep.DecryptedEncPart.AuthTime).Abs() > s.conf.LibDefaults.Clockskew {
			return ticket{}, explain(codeSkew)
		}
		return ticket{}, invalid("the ticket is not what was asked for")
	}
	return s.keep(rep.Ticket, rep.DecryptedEncPart), nil
}

func (s *SignIn) askAS(ctx context.Context, req messages.ASReq) ([]byte, error) {
	b, err := req.Marshal()
	if err != nil {
		return nil, invalid("ask to sign in")
	}
	answer, err := s.ask(ctx, s.account.Realm(), b)
	if err != nil {
		return nil, err
	}
	if e, ok := krbError(answer); ok {
		return nil, e
	}
	return answer, nil
}

// proof encrypts the time under the account's key (RFC 4120 5.2.7.2), of a kind that the centre names.
func (s *SignIn) proof(methods []byte) (types.PAData, error) {
	var pas types.PADataSequence
	if err := pas.Unmarshal(methods); err != nil {
		return types.PAData{}, invalid("the centre's methods are damaged")
	}
	if err := bounded(pas); err != nil {
		return types.PAData{}, err
	}
	key, version, err := s.key(pas)
	if err != nil {
		return types.PAData{}, err
	}
	now := s.cfg.Now().UTC()
	stamp, err := asn1.Marshal(types.PAEncTSEnc{PATimestamp: now.Truncate(time.Second), PAUSec: now.Nanosecond() / 1000})
	if err != nil {
		return types.PAData{}, invalid("write the time")
	}
	sealed, err := crypto.GetEncryptedData(stamp, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, version)
	if err != nil {
		return types.PAData{}, invalid("encrypt the time")
	}
	b, err := sealed.Marshal()
	if err != nil {
		return types.PAData{}, invalid("write the encrypted time")
	}
	return types.PAData{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: b}, nil
}

// key returns the account's key of the first kind that the centre wants and we have, and its version.
func (s *SignIn) key(pas types.PADataSequence) (types.EncryptionKey, int, error) {
	kinds := slices.Clone(s.conf.LibDefaults.DefaultTktEnctypeIDs)
	for _, pa := range pas {
		if pa.PADataType != patype.PA_ETYPE_INFO2 {
			continue
		}
		kinds = nil
		info, err := pa.GetETypeInfo2()
		if err != nil {
			return types.EncryptionKey{}, 0, invalid("the centre's methods are damaged")
		}
		for _, i := range info {
			kinds = append(kinds, i.EType)
		}
	}
	for _, kind := range kinds {
		if kind != etypeID.AES256_CTS_HMAC_SHA1_96 && kind != etypeID.AES128_CTS_HMAC_SHA1_96 && kind != etypeID.RC4_HMAC {
			continue
		}
		if s.account.HasKeytab() {
			key, version, err := s.account.Keytab().GetEncryptionKey(s.account.CName(), s.account.Realm(), 0, kind)
			if err == nil {
				return key, version, nil
			}
			continue
		}
		key, _, err := crypto.GetKeyFromPassword(s.account.Password(), s.account.CName(), s.account.Realm(), kind, pas)
		if err == nil {
			return key, 0, nil
		}
	}
	if s.account.HasKeytab() {
		return types.EncryptionKey{}, 0, errKeytab()
	}
	return types.EncryptionKey{}, 0, explain(codeEtype)
}

// bounded refuses methods that would make us compute for very long.
func bounded(pas types.PADataSequence) error {
	for _, pa := range pas {
		if pa.PADataType != patype.PA_ETYPE_INFO2 {
			continue
		}
		info, err := pa.GetETypeInfo2()
		if err != nil || len(info) == 0 {
			return invalid("the centre's methods are damaged")
		}
		for _, i := range info {
			if len(i.S2KParams) == 4 && binary.BigEndian.Uint32(i.S2KParams)-1 >= maxRounds {
				return invalid("the centre asks for too much computing")
			}
		}
	}
	return nil
}
