package contactimport

import (
	"slices"
	"strings"
	"unicode"

	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

// phoneNames are the names of phone columns, squashed, best first: a mobile
// number before any other.
var phoneNames = strings.Fields(`
phone phonee164 msisdn
mobile mobilephone mobilenumber mobileno mobilephonenumber cell cellphone cellphonenumber cellnumber phonemobile mobiletel
handy handynummer mobil mobilnummer mobiltelefon mobilnr mobiltlf mobiltelefonnummer gsm gsmno cep ceptelefonu
celular telefonocelular celulartelefone movil móvil telefonomovil teléfonomóvil telemovel telemóvel portable
telephoneportable téléphoneportable
cellulare telefonocellulare mobiel mobielnummer matkapuhelin komórka komorka
whatsapp whatsappnumber whatsappphone whatsappno numerowhatsapp wa
phonenumber phoneno phonenr phone1 phone1value primaryphone contactnumber contactno contactphone telephonenumber
number to recipient destination destinationnumber
tel telephone telefon telefonnummer telefonnr telnr telno rufnummer telefono teléfono numerodetelefono númerodeteléfono
telefone numerodetelefone
téléphone numerodetelephone numérodetéléphone telefoon telefoonnummer puhelin puhelinnumero telefonszám numertelefonu
nomortelepon nohp nomorhp hp
nomorwa nowa телефон номертелефона мобильный मोबाइल फोन 手机 手机号
手机号码 电话 電話 電話番号 携帯電話 전화번호 휴대폰 هاتف جوال الجوال`)

// findPhoneColumn returns the name of the column with the phone numbers: the one
// that is called so, else the one whose values are phone numbers. A file that
// names people by our other ids needs none.
func findPhoneColumn(names []string, samples []record, set map[string]target) string {
	byName := map[string]string{}
	for _, name := range names {
		if _, ok := set[name]; ok || name == "" || name[0] == '_' {
			continue
		}
		if to, _ := parseTarget(name); to.kind == toWaID || to.kind == toUserID {
			byName["-"] = name
		}
		if _, ok := byName[squash(name)]; !ok {
			byName[squash(name)] = name
		}
	}
	for _, n := range phoneNames {
		if name, ok := byName[n]; ok {
			return name
		}
	}
	if byName["-"] != "" {
		return ""
	}
	return phoneByContent(names, samples, set)
}

// phoneByContent returns the column with the largest share of phone numbers
// among its values, at least four of five. A number in international form,
// with + or 00, counts a little more than bare digits, which may be an order's.
func phoneByContent(names []string, samples []record, set map[string]target) string {
	best, bestScore := "", 0.79
	for i, name := range names {
		if _, ok := set[name]; ok || name == "" || name[0] == '_' {
			continue
		}
		if score := phoneScore(samples, i); score > bestScore {
			best, bestScore = name, score
		}
	}
	return best
}

func phoneScore(samples []record, column int) float64 {
	filled, phones, marked := 0, 0, 0
	for i := range samples {
		if column >= len(samples[i].cells) || samples[i].cells[column].empty() {
			continue
		}
		filled++
		if like, mark := phoneLike(samples[i].cells[column].text); like {
			phones++
			if mark {
				marked++
			}
		}
	}
	if filled == 0 {
		return 0
	}
	return (float64(phones) + 0.1*float64(marked)) / float64(filled)
}

// phoneLike reports whether s could be a phone number, national ones too, and
// whether it begins with + or 00.
func phoneLike(s string) (like, mark bool) {
	s = cleanPhone(s)
	digits := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits < 7 || digits > 15 || isDate(s) {
		return false, false
	}
	if mark = strings.HasPrefix(s, "+") || strings.HasPrefix(s, "00"); mark {
		_, err := phone.Parse(s)
		return err == nil, mark
	}
	return strings.Trim(s, "0123456789 -().") == "", false
}

// isDate reports whether s is written as 2027-03-28 or 28.03.2027.
func isDate(s string) bool {
	shape := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, s)
	return strings.HasPrefix(shape, "0000-00-00") || strings.HasPrefix(shape, "00.00.0000")
}

// isData reports whether a first record is data and not a header: it has a phone
// number, and no cell is the name of a column.
func isData(cells []cell) bool {
	phone := false
	for i := range cells {
		name := squash(cells[i].text)
		if aliases[name] != toNothing || slices.Contains(phoneNames, name) {
			return false
		}
		like, _ := phoneLike(cells[i].text)
		phone = phone || like
	}
	return phone
}

// squash returns a name without spaces, marks and case.
func squash(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
