package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// A taskDefinition has the members of RegisterTaskDefinition that our files use. AWS publishes no schema of it, so the
// tests reject every other member.
type taskDefinition struct {
	Family                  string   `json:"family"`
	RequiresCompatibilities []string `json:"requiresCompatibilities"`
	NetworkMode             string   `json:"networkMode"`
	RuntimePlatform         struct {
		OperatingSystemFamily string `json:"operatingSystemFamily"`
		CPUArchitecture       string `json:"cpuArchitecture"`
	} `json:"runtimePlatform"`
	CPU                  string `json:"cpu"`
	Memory               string `json:"memory"`
	ExecutionRoleArn     string `json:"executionRoleArn"`
	TaskRoleArn          string `json:"taskRoleArn"`
	ContainerDefinitions []struct {
		Name                   string   `json:"name"`
		Image                  string   `json:"image"`
		Command                []string `json:"command"`
		Essential              bool     `json:"essential"`
		User                   string   `json:"user"`
		ReadonlyRootFilesystem bool     `json:"readonlyRootFilesystem"`
		LinuxParameters        struct {
			Capabilities struct {
				Drop []string `json:"drop"`
			} `json:"capabilities"`
			Tmpfs []struct {
				ContainerPath string `json:"containerPath"`
				Size          int    `json:"size"` // MiB
			} `json:"tmpfs"`
		} `json:"linuxParameters"`
		PortMappings []struct {
			Name          string `json:"name"`
			ContainerPort int    `json:"containerPort"`
			Protocol      string `json:"protocol"`
			AppProtocol   string `json:"appProtocol"`
		} `json:"portMappings"`
		Environment []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"environment"`
		Secrets []struct {
			Name      string `json:"name"`
			ValueFrom string `json:"valueFrom"`
		} `json:"secrets"`
		MountPoints []struct {
			SourceVolume  string `json:"sourceVolume"`
			ContainerPath string `json:"containerPath"`
			ReadOnly      bool   `json:"readOnly"`
		} `json:"mountPoints"`
		HealthCheck *struct {
			Command     []string `json:"command"`
			Interval    int      `json:"interval"` // seconds, like the next three
			Timeout     int      `json:"timeout"`
			Retries     int      `json:"retries"`
			StartPeriod int      `json:"startPeriod"`
		} `json:"healthCheck"`
		StopTimeout      int `json:"stopTimeout"`
		LogConfiguration struct {
			LogDriver string            `json:"logDriver"`
			Options   map[string]string `json:"options"`
		} `json:"logConfiguration"`
	} `json:"containerDefinitions"`
	Volumes []struct {
		Name                   string `json:"name"`
		EfsVolumeConfiguration struct {
			FileSystemID        string `json:"fileSystemId"`
			TransitEncryption   string `json:"transitEncryption"`
			AuthorizationConfig struct {
				AccessPointID string `json:"accessPointId"`
				IAM           string `json:"iam"`
			} `json:"authorizationConfig"`
		} `json:"efsVolumeConfiguration"`
	} `json:"volumes"`
}

// unmarshalStrict decodes JSON. It rejects unknown and repeated members; names are case-sensitive.
func unmarshalStrict(text string, target any) error {
	return json.Unmarshal([]byte(text), target, json.RejectUnknownMembers(true))
}

func readTaskDefinition(t *testing.T, file string) (def taskDefinition) {
	t.Helper()
	if err := unmarshalStrict(readRepoFile(t, "deploy/ecs/"+file), &def); err != nil {
		t.Fatal(file, err)
	}
	if len(def.ContainerDefinitions) != 1 {
		t.Fatalf("%s: %d containers, want 1", file, len(def.ContainerDefinitions))
	}
	return def
}

// ecsContainer returns the container of a task definition.
func ecsContainer(t *testing.T, file string) container {
	t.Helper()
	def := readTaskDefinition(t, file).ContainerDefinitions[0]
	c := container{
		platform: "ECS", image: def.Image, args: def.Command, plain: map[string]string{}, secret: map[string]string{},
		user: def.User, readOnly: def.ReadonlyRootFilesystem, grace: time.Duration(def.StopTimeout) * time.Second,
	}
	for _, env := range def.Environment {
		c.plain[env.Name] = env.Value
	}
	for _, env := range def.Secrets {
		c.secret[env.Name] = env.ValueFrom
	}
	for _, port := range def.PortMappings {
		c.ports = append(c.ports, port.ContainerPort)
	}
	for _, mount := range def.MountPoints {
		c.mounts = append(c.mounts, mount.ContainerPath)
	}
	for _, mount := range def.LinuxParameters.Tmpfs {
		c.mounts = append(c.mounts, mount.ContainerPath)
	}
	return c
}

// fargateMemory maps CPU units to the memory sizes, in MiB, that Fargate supports with them.
var fargateMemory = map[string][]string{"256": {"512", "1024", "2048"}, "512": {"1024", "2048", "3072", "4096"}}

// secretARN matches a reference to one key of a JSON secret.
var secretARN = regexp.MustCompile(
	`^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:labledger/(server|owner)-\w{6}:(\w+)::$`)

// TestTaskDefinitions_satisfyFargate checks the rules that AWS documents for Fargate.
func TestTaskDefinitions_satisfyFargate(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"task-definition.json", "migrate-task-definition.json"} {
		def := readTaskDefinition(t, file)
		c := def.ContainerDefinitions[0]
		if !slices.Equal(def.RequiresCompatibilities, []string{"FARGATE"}) || def.NetworkMode != "awsvpc" ||
			def.Family == "" || def.ExecutionRoleArn == "" {
			t.Errorf("%s: Fargate requires FARGATE, awsvpc, a family and an execution role: %+v", file, def)
		}
		if !slices.Contains(fargateMemory[def.CPU], def.Memory) {
			t.Errorf("%s: Fargate does not support %s MiB with %s CPU units", file, def.Memory, def.CPU)
		}
		logGroup := c.LogConfiguration.Options["awslogs-group"]
		assertDocumented(t, "file://deploy/ecs/"+file+"\n", "--task-definition "+def.Family+" ", "`"+logGroup+"`")
		if c.Name == "" || !c.Essential || c.StopTimeout > 120 ||
			!slices.Equal(c.LinuxParameters.Capabilities.Drop, []string{"ALL"}) {
			t.Errorf("%s: want a name, essential, a stop timeout up to 120 s and no capabilities: %+v", file, c)
		}
		for _, option := range []string{"awslogs-group", "awslogs-region", "awslogs-stream-prefix"} {
			if c.LogConfiguration.LogDriver != "awslogs" || c.LogConfiguration.Options[option] == "" {
				t.Errorf("%s: the log configuration has no %s", file, option)
			}
		}
		for _, secret := range c.Secrets {
			match := secretARN.FindStringSubmatch(secret.ValueFrom)
			if match == nil || match[2] != secret.Name ||
				(match[1] == "owner") != strings.HasPrefix(secret.Name, "OWNER_") {
				t.Errorf("%s: %s has the wrong secret %s", file, secret.Name, secret.ValueFrom)
			}
		}
		for _, mount := range c.MountPoints {
			if len(def.Volumes) != 1 || def.Volumes[0].Name != mount.SourceVolume || mount.ReadOnly {
				t.Errorf("%s: mount %+v is read-only or has no volume in %+v", file, mount, def.Volumes)
			}
		}
		if check := c.HealthCheck; check != nil {
			inRange := func(value, low, high int) bool { return low <= value && value <= high }
			if !inRange(check.Interval, 5, 300) || !inRange(check.Timeout, 2, 60) ||
				!inRange(check.Retries, 1, 10) || !inRange(check.StartPeriod, 0, 300) {
				t.Errorf("%s: ECS rejects this health check: %+v", file, *check)
			}
		}
	}
	for _, invalid := range []string{
		`{"famly": "x"}`, `{"Family": "x"}`, `{"family": 1}`, `{"family": "x", "family": "x"}`, `{"cpu": 256}`,
		`{"containerDefinitions": [{"stopTimeOut": 1}]}`,
	} {
		if err := unmarshalStrict(invalid, new(taskDefinition)); err == nil {
			t.Errorf("%s is accepted", invalid)
		}
	}
}
