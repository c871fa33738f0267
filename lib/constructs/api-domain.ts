import { CfnOutput } from 'aws-cdk-lib';
import { DomainName, EndpointType, type RestApi, SecurityPolicy } from 'aws-cdk-lib/aws-apigateway';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Construct } from 'constructs';

export interface ApiDomainProps {
  readonly api: RestApi;
  readonly name: string;
  /** Of a certificate in ACM, in the stack's region. */
  readonly certificateArn: string;
}

/** The API under a name of the team's own, at its root: https://NAME/api/health. Its DNS record stays theirs to make. */
export class ApiDomain extends Construct {
  constructor(scope: Construct, id: string, { api, name, certificateArn }: ApiDomainProps) {
    super(scope, id);
    const domain = new DomainName(this, 'Name', {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
      mapping: api,
    });
    new CfnOutput(this, 'Target', {
      value: domain.domainNameAliasDomainName,
      description: `What the CNAME (or ALIAS) record of ${name} must point to`,
    }).overrideLogicalId('ApiDomainTarget');
  }
}
