package expr

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"sigs.k8s.io/yaml"
)

// functions are this package's own additions:
//
//	toJSON(value) string    compact JSON
//	toYAML(value) string    YAML, for configuration files inside a ConfigMap
//	sha256(string) string   hexadecimal digest, for annotations that restart pods on change
func functions() cel.EnvOption {
	unary := func(name string, argument *cel.Type, call func(ref.Val) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_value", []*cel.Type{argument}, cel.StringType,
			cel.UnaryBinding(call)))
	}
	text := func(marshal func(any) ([]byte, error)) func(ref.Val) ref.Val {
		return func(v ref.Val) ref.Val {
			native, err := fromCEL(v)
			if err != nil {
				return types.WrapErr(err)
			}
			data, err := marshal(native)
			if err != nil {
				return types.WrapErr(err)
			}
			return types.String(data)
		}
	}
	options := []cel.EnvOption{
		unary("toJSON", cel.DynType, text(func(v any) ([]byte, error) { return json.Marshal(v) })),
		unary("toYAML", cel.DynType, text(yaml.Marshal)),
		unary("sha256", cel.StringType, func(v ref.Val) ref.Val {
			s, ok := v.(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			sum := sha256.Sum256([]byte(s))
			return types.String(hex.EncodeToString(sum[:]))
		}),
	}
	return func(env *cel.Env) (*cel.Env, error) {
		for _, option := range options {
			var err error
			if env, err = option(env); err != nil {
				return nil, err
			}
		}
		return env, nil
	}
}
