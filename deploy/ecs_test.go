package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// A task is what RegisterTaskDefinition takes, as far as ours say anything of it. There is no schema of it to be had without AWS, so a name
// that does not stand here is refused.
type task struct {
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
			Interval    int      `json:"interval"` // seconds, as the others
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

// strictly reads JSON in which every name must be known, in its own case, and stand there once.
func strictly(text string, into any) error {
	return json.Unmarshal([]byte(text), into, json.RejectUnknownMembers(true))
}

func readTask(t *testing.T, file string) (d task) {
	t.Helper()
	if err := strictly(top(t, "deploy/ecs/"+file), &d); err != nil {
		t.Fatal(file, err)
	}
	if len(d.ContainerDefinitions) != 1 {
		t.Fatalf("%s: %d containers", file, len(d.ContainerDefinitions))
	}
	return d
}

// ecs is the container of a task definition.
func ecs(t *testing.T, file string) container {
	t.Helper()
	of := readTask(t, file).ContainerDefinitions[0]
	c := container{
		platform: "ECS", image: of.Image, args: of.Command, plain: map[string]string{}, secret: map[string]string{},
		user: of.User, readOnly: of.ReadonlyRootFilesystem, grace: time.Duration(of.StopTimeout) * time.Second,
	}
	for _, env := range of.Environment {
		c.plain[env.Name] = env.Value
	}
	for _, env := range of.Secrets {
		c.secret[env.Name] = env.ValueFrom
	}
	for _, port := range of.PortMappings {
		c.ports = append(c.ports, port.ContainerPort)
	}
	for _, mount := range of.MountPoints {
		c.mounts = append(c.mounts, mount.ContainerPath)
	}
	for _, mount := range of.LinuxParameters.Tmpfs {
		c.mounts = append(c.mounts, mount.ContainerPath)
	}
	return c
}

// sizes are the memory sizes, in MiB, that Fargate has for a number of CPU units.
var sizes = map[string][]string{"256": {"512", "1024", "2048"}, "512": {"1024", "2048", "3072", "4096"}}

// secretARN is a key of a secret whose value is JSON.
var secretARN = regexp.MustCompile(`^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:labledger/(server|owner)-\w{6}:(\w+)::$`)

// TestTaskDefinitions holds what AWS documents of Fargate's task definitions.
func TestTaskDefinitions(t *testing.T) {
	for _, file := range []string{"task-definition.json", "migrate-task-definition.json"} {
		d := readTask(t, file)
		of := d.ContainerDefinitions[0]
		if !slices.Equal(d.RequiresCompatibilities, []string{"FARGATE"}) || d.NetworkMode != "awsvpc" || d.Family == "" || d.ExecutionRoleArn == "" {
			t.Errorf("%s: Fargate wants more than %+v", file, d)
		}
		if !slices.Contains(sizes[d.CPU], d.Memory) {
			t.Errorf("%s: Fargate has no %s MiB for %s units of CPU", file, d.Memory, d.CPU)
		}
		told(t, "file://deploy/ecs/"+file+"\n", "--task-definition "+d.Family+" ", "`"+of.LogConfiguration.Options["awslogs-group"]+"`")
		if of.Name == "" || !of.Essential || of.StopTimeout > 120 || !slices.Equal(of.LinuxParameters.Capabilities.Drop, []string{"ALL"}) {
			t.Errorf("%s: %+v", file, of)
		}
		for _, option := range []string{"awslogs-group", "awslogs-region", "awslogs-stream-prefix"} {
			if of.LogConfiguration.LogDriver != "awslogs" || of.LogConfiguration.Options[option] == "" {
				t.Errorf("%s: the log has no %s", file, option)
			}
		}
		for _, secret := range of.Secrets {
			if match := secretARN.FindStringSubmatch(secret.ValueFrom); match == nil || match[2] != secret.Name || (match[1] == "owner") != strings.HasPrefix(secret.Name, "OWNER_") {
				t.Errorf("%s: %s comes from %s", file, secret.Name, secret.ValueFrom)
			}
		}
		for _, mount := range of.MountPoints {
			if len(d.Volumes) != 1 || d.Volumes[0].Name != mount.SourceVolume || mount.ReadOnly {
				t.Errorf("%s: %+v is none of the volumes %+v", file, mount, d.Volumes)
			}
		}
		if check := of.HealthCheck; check != nil {
			within := func(value, least, most int) bool { return least <= value && value <= most }
			if !within(check.Interval, 5, 300) || !within(check.Timeout, 2, 60) || !within(check.Retries, 1, 10) || !within(check.StartPeriod, 0, 300) {
				t.Errorf("%s: a health check that ECS refuses: %+v", file, *check)
			}
		}
	}
	for _, wrong := range []string{`{"famly": "x"}`, `{"Family": "x"}`, `{"family": 1}`, `{"family": "x", "family": "x"}`, `{"cpu": 256}`, `{"containerDefinitions": [{"stopTimeOut": 1}]}`} {
		if err := strictly(wrong, new(task)); err == nil {
			t.Errorf("%s is accepted", wrong)
		}
	}
}
